/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fencing. Every run of smbd leaves the addresses of its clients of Ceph in the store before it claims anything; who
 * publishes a view without that run has them blocklisted first. A new run has new clients, whose addresses differ in
 * their nonce, so an old entry of the blocklist never hits it.
 *
 * A blocklist takes effect at an OSD when the OSD hears of the cluster's new map. So the order is: blocklist, then claim each
 * slot by a write that carries the new map (rstore_claim), then serve.
 */
#include "statestore/rstore_priv.h"

#include <inttypes.h>
#include <stdio.h>

#include "node/log/log.h"
#include "node/loop/task.h"

#define ADDR_MAX 128
#define CLIENT_KEY_MAX (48 + ADDR_MAX)
#define CLIENTS_MAX 16 /* fenced in one go */
#define ADDR_CHARS "0123456789abcdefABCDEFv:.[]/,%"

static void run_prefix(uint32_t node, uint64_t incarnation, char out[CLIENT_KEY_MAX])
{
	if (incarnation == STORE_ALL_RUNS)
		snprintf(out, CLIENT_KEY_MAX, "%" PRIu32 ".", node);
	else
		snprintf(out, CLIENT_KEY_MAX, "%" PRIu32 ".%016" PRIx64 " ", node, incarnation);
}

int rstore_enroll(struct store *st, uint32_t node, uint64_t incarnation, const char *addr)
{
	char prefix[CLIENT_KEY_MAX], key[2 * CLIENT_KEY_MAX], *own = NULL;
	struct rstore *s = RSTORE_OF(st);
	const char *k = key, *v = "";
	rados_write_op_t op;
	size_t key_len, zero = 0;
	int r;

	if (!addr) {
		r = rados_getaddrs(s->cluster, &own);
		if (r < 0)
			return r;
	}
	run_prefix(node, incarnation, prefix);
	snprintf(key, sizeof(key), "%s%s", prefix, addr ? addr : own);
	rados_buffer_free(own);
	key_len = strlen(key);
	if (key_len >= CLIENT_KEY_MAX)
		return -EINVAL;
	op = rados_create_write_op();
	rados_write_op_omap_set2(op, &k, &v, &key_len, &zero, 1);
	return rstore_errno(rstore_write(s, RSTORE_CLIENTS, op));
}

/* Some clients of a run. */
struct clients {
	struct rstore *s;
	unsigned int n;
	unsigned char more;
	char addrs[CLIENTS_MAX][ADDR_MAX];
	char last[CLIENT_KEY_MAX]; /* the key of the last one */
	int status;
};

static int clients_read(struct clients *c, const char *prefix)
{
	rados_read_op_t op = rados_create_read_op();
	char *key, *val;
	size_t key_len, val_len;
	rados_omap_iter_t iter = NULL;
	int prval, r;

	c->n = 0;
	c->more = 0;
	rados_read_op_omap_get_vals2(op, "", prefix, CLIENTS_MAX, &iter, &c->more, &prval);
	r = rstore_read(c->s, RSTORE_CLIENTS, op);
	while (r == 0 && rados_omap_get_next2(iter, &key, &val, &key_len, &val_len) == 0 && key) {
		/* "NODE.INCARNATION ADDRESS" */
		const char *space = memchr(key, ' ', key_len);
		size_t at = space ? (size_t)(space - key) + 1 : key_len;

		if (at >= key_len || key_len - at >= ADDR_MAX || key_len >= CLIENT_KEY_MAX) {
			r = -EUCLEAN;
			break;
		}
		memcpy(c->addrs[c->n], key + at, key_len - at);
		c->addrs[c->n++][key_len - at] = '\0';
		memcpy(c->last, key, key_len);
		c->last[key_len] = '\0';
	}
	rados_omap_get_end(iter);
	return r == -ENOENT ? 0 : rstore_errno(r);
}

static int blocklist(struct rstore *s, char *addr)
{
	char *one, *save, *end;
	int r = 0;

	/* It becomes a part of a command. */
	if (addr[strspn(addr, ADDR_CHARS)])
		return -EUCLEAN;
	if (*addr == '[' && (end = strrchr(addr, ']')) && strchr(addr, ',')) {
		addr++;
		*end = '\0';
	}
	for (one = strtok_r(addr, ",", &save); one && r == 0; one = strtok_r(NULL, ",", &save))
		r = rados_blocklist_add(s->cluster, one, 0);
	return r;
}

static void blocklist_all(void *arg)
{
	struct clients *c = arg;
	unsigned int i;

	for (i = 0; i < c->n && c->status == 0; i++) {
		log_info("state store: fencing a client: address=%s", log_esc(c->addrs[i]));
		c->status = blocklist(c->s, c->addrs[i]);
	}
}

/* What was fenced need not be fenced again. Nobody waits for that: what stays in the list is fenced once more. */
static void clients_forget(const struct clients *c, const char *prefix)
{
	rados_write_op_t op = rados_create_write_op();

	/* Up to the last one, and it: the range ends before its second bound. */
	rados_write_op_omap_rm_range2(op, prefix, strlen(prefix), c->last, strlen(c->last) + 1);
	rstore_write_later(c->s, RSTORE_CLIENTS, op);
}

int rstore_fence(struct store *st, uint32_t node, uint64_t incarnation)
{
	_cleanup_free_ struct clients *c = calloc(1, sizeof(*c));
	struct rstore *s = RSTORE_OF(st);
	char prefix[CLIENT_KEY_MAX];
	int r;

	if (!c)
		return -ENOMEM;
	c->s = s;
	run_prefix(node, incarnation, prefix);
	while ((r = clients_read(c, prefix)) == 0 && c->n) {
		offload_run(blocklist_all, c);
		if (c->status < 0)
			return rstore_errno(c->status);
		clients_forget(c, prefix);
		if (!c->more)
			break;
	}
	return r;
}

int rstore_may_fence(struct rstore *s)
{
	/* It takes away what is not there (no client has this address), but only who may fence is told so. */
	const char *cmd = "{\"prefix\":\"osd blocklist\",\"blocklistop\":\"rm\",\"addr\":\"0.0.0.0:0/1\"}";
	char *out = NULL, *said = NULL;
	size_t out_len, said_len;
	int r = rados_mon_command(s->cluster, &cmd, 1, "", 0, &out, &out_len, &said, &said_len);

	rados_buffer_free(out);
	rados_buffer_free(said);
	return r == -ENOENT ? 0 : rstore_errno(r);
}
