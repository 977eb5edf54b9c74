/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "state dump": every record, a page per request; "state aside": those that were moved aside. The cursor names the slot and the last key of the page before. On
 * clusterd's loop; run_*() on the store's thread.
 */
#include <inttypes.h>
#include <stdio.h>

#include "clusterd/oper_priv.h"
#include "node/base/clock.h"
#include "node/base/guid.h"
#include "node/log/log.h"
#include "statestore/record.h"

#define PAGE_ROWS 500
#define PAGE_BYTES (2u << 20)
#define PAGE_NS (50 * NSEC_PER_MSEC)

struct dump {
	struct store_job job;
	struct oper_request *rq;
	int error;
	bool aside; /* these only */
	uint32_t slot;
	uint8_t after[STORE_KEY_MAX]; /* in this slot, this key and those below were given */
	size_t after_len;
	json_t *rows;
	size_t bytes;
	char *next;
};

static const struct oper_column columns[] = {
	{ "slot", "SLOT" },	{ "key", "KEY" },	   { "kind", "KIND" },	   { "bytes", "BYTES" },
	{ "home_node", "HOME" }, { "state", "STATE" },	   { "user", "USER" },	   { "share", "SHARE" },
	{ "path", "PATH" },
};

static json_t *hex64(uint64_t v)
{
	return json_sprintf("%016" PRIx64, v);
}

static json_t *guid_text(bool present, const struct guid *g)
{
	char text[GUID_STR_SIZE];

	return present ? json_string(guid_format(g, text)) : json_null();
}

static json_t *locks_of(const struct rec_open *r)
{
	json_t *a = json_array();

	for (uint32_t i = 0; i < r->n_locks; i++)
		json_array_append_new(a, json_pack("{s:I, s:I, s:b}", "offset", (json_int_t)r->locks[i].offset, "length",
						   (json_int_t)r->locks[i].length, "exclusive", r->locks[i].exclusive));
	return a;
}

static void add_open(json_t *row, const struct rec_open *r)
{
	const struct guid *volume = &r->key.volume;
	json_t *o = json_pack("{s:o, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I}", "persistent_id", hex64(r->id), "state",
			      r->phase == REC_DELETING ? "deleting" : r->disconnected ? "disconnected" : "connected", "user",
			      r->user ?: "", "share", r->share_name ?: "", "path", r->path ?: "", "client_guid",
			      guid_text(true, &r->client_guid), "create_guid", guid_text(r->has_create_guid, &r->create_guid),
			      "volume", guid_text(true, volume), "inode", (json_int_t)r->key.inode, "generation",
			      (json_int_t)r->key.generation);
	json_t *p = json_pack("{s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:b, s:I, s:I, s:o, s:I, s:I, s:I, s:o}", "client", r->client,
			      "access", (json_int_t)r->access, "share_mode", (json_int_t)r->share, "options", (json_int_t)r->options,
			      "timeout_ms", (json_int_t)r->timeout_ms, "delete_on_close", r->delete_on_close,
			      "delete_pending", r->delete_pending, "consumed", r->consumed, "version",
			      (json_int_t)r->version, "home_node", (json_int_t)r->home_node, "home_incarnation",
			      hex64(r->home_incarnation), "record_version", (json_int_t)r->encoding, "opened_at", (json_int_t)(r->opened_at / NSEC_PER_SEC), "expires_at",
			      (json_int_t)(r->deadline / NSEC_PER_SEC), "locks", locks_of(r));

	json_object_update(row, o);
	json_object_update(row, p);
	json_decref(o);
	json_decref(p);
}

/* `key` and `val` as they are; a record that was moved aside is read as what it was. */
static json_t *row_of(uint32_t slot, struct blob key, struct blob val)
{
	bool aside = key.len > 1 && key.data[0] == REC_ASIDE_PREFIX;
	struct blob was = aside ? BLOB(key.data + 1, key.len - 1) : key;
	char text[REC_KEY_TEXT_SIZE];
	struct rec_open r;
	uint64_t id;
	int e = rec_open_key_parse(was, &id) < 0 ? -ENOENT : rec_open_check(was, val, &r);
	json_t *row = json_pack("{s:i, s:s, s:s, s:b, s:I}", "slot", (int)slot, "key", rec_key_text(key, text), "kind",
				e == 0 ? "open" : e == -ENOENT ? "stray" : e == -EPROTONOSUPPORT ? "newer" : "damaged",
				"aside", aside, "bytes", (json_int_t)val.len);

	if (e == 0) {
		add_open(row, &r);
		rec_open_done(&r);
	}
	return row;
}

static bool given(const struct dump *j, struct blob key)
{
	int c = memcmp(key.data, j->after, MIN(key.len, j->after_len));

	return j->after_len && (c < 0 || (c == 0 && key.len <= j->after_len));
}

static int on_record(void *arg, struct blob key, struct blob val)
{
	struct dump *j = arg;
	json_t *row;

	if (given(j, key) || (j->aside && key.data[0] != REC_ASIDE_PREFIX))
		return 0;
	if (json_array_size(j->rows) >= PAGE_ROWS || j->bytes > PAGE_BYTES)
		return 1;
	row = row_of(j->slot, key, val);
	if (!row || json_array_append_new(j->rows, row) < 0)
		return -ENOMEM;
	j->bytes += val.len;
	memcpy(j->after, key.data, MIN(key.len, sizeof(j->after)));
	j->after_len = MIN(key.len, sizeof(j->after));
	return 0;
}

static int say_next(struct dump *j)
{
	size_t i;

	j->next = calloc(1, 16 + 2 * sizeof(j->after));
	if (!j->next)
		return -ENOMEM;
	snprintf(j->next, 16, "%u/", j->slot);
	for (i = 0; i < j->after_len; i++)
		snprintf(strchr(j->next, '\0'), 3, "%02x", j->after[i]);
	return 0;
}

static void run_dump(struct store_job *job, struct store *s)
{
	struct dump *j = container_of(job, struct dump, job);
	uint64_t end = clock_mono_ns() + PAGE_NS;
	int r = s ? 0 : -ENOTCONN;

	while (r == 0 && j->slot < store_info(s)->slots && clock_mono_ns() < end) {
		r = store_scan(s, j->slot, on_record, j);
		if (r == 0) {
			j->slot++;
			j->after_len = 0;
		}
	}
	if (r >= 0 && j->slot < store_info(s)->slots)
		r = say_next(j);
	j->error = MIN(r, 0);
}

static void done_dump(struct store_job *job)
{
	struct dump *j = container_of(job, struct dump, job);

	if (j->error == 0)
		oper_send(j->rq, j->next ? json_pack("{s:o, s:O, s:s}", "columns", oper_columns(columns, ARRAY_SIZE(columns)),
						     "rows", j->rows, "next", j->next) :
					   json_pack("{s:o, s:O}", "columns", oper_columns(columns, ARRAY_SIZE(columns)),
						     "rows", j->rows));
	if (j->error == 0)
		oper_end(j->rq, OPER_OK, NULL);
	else
		oper_end(j->rq, OPER_FAILED, "the state store failed (%s); look into the log of clusterd", log_errno(j->error));
	json_decref(j->rows);
	free(j->next);
	free(j);
}

/* -EINVAL. */
static int parse_cursor(struct dump *j, const char *text)
{
	char *end;
	unsigned int v;

	j->slot = (uint32_t)strtoul(text, &end, 10);
	if (end == text || *end++ != '/')
		return -EINVAL;
	for (; *end && j->after_len < sizeof(j->after); end += 2) {
		if (!end[1] || sscanf(end, "%2x", &v) != 1)
			return -EINVAL;
		j->after[j->after_len++] = (uint8_t)v;
	}
	return 0;
}

void oper_state_dump(struct oper_request *rq)
{
	struct dump *j = calloc(1, sizeof(*j));
	const char *cursor = oper_text(rq, "cursor");

	if (!j || (cursor && parse_cursor(j, cursor) < 0)) {
		oper_end(rq, j ? OPER_USAGE : OPER_FAILED, j ? "this is no cursor" : "clusterd is out of memory; try again");
		free(j);
		return;
	}
	j->job = (struct store_job){ run_dump, done_dump, NULL };
	j->rq = rq;
	j->aside = strcmp(rq->command->name, "state aside") == 0;
	j->rows = json_array();
	storeq_submit(rq->oper->d->storeq, &j->job);
}
