/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection of the load generator: its life, its slots, its counts. A lane's thread. */
#include <stdarg.h>
#include <stdio.h>

#include "node/base/clock.h"
#include "tests/bench/bench.h"

int lane_fail(struct lane *l, int err, const char *fmt, ...)
{
	va_list ap;

	if (l->err)
		return l->err;
	va_start(ap, fmt);
	vsnprintf(l->error, sizeof(l->error), fmt, ap);
	va_end(ap);
	l->err = err;
	return err;
}

uint64_t lane_random(struct lane *l)
{
	l->rng ^= l->rng << 13;
	l->rng ^= l->rng >> 7;
	l->rng ^= l->rng << 17;
	return l->rng >> 8;
}

void lane_ready(struct lane *l, struct slot *s)
{
	s->next_ready = l->ready;
	l->ready = s;
}

void lane_count(struct lane *l, struct slot *s, uint64_t bytes)
{
	uint64_t now = conn_now();

	if (s->start_ns < l->begin_ns || now > l->end_ns)
		return;
	l->ops++;
	l->bytes += bytes;
	hist_add(&l->hist, now - s->start_ns);
}

static int login(struct lane *l)
{
	const struct options *o = l->o;
	struct login in = { .user = o->user,
			    .password = o->password,
			    .domain = o->domain,
			    .sign = o->sign,
			    .seal = o->seal };
	struct conn_config cfg;
	struct ntstatus status;
	char buf[11];
	int r;

	conn_config_init(&cfg);
	cfg.timeout_ns = 30 * NSEC_PER_SEC;
	if (o->dialect) {
		cfg.dialects = &o->dialect;
		cfg.n_dialects = 1;
	}
	if (o->sign)
		cfg.security_mode = 3;
	r = conn_open(&o->addr, &cfg, &l->c);
	if (r < 0)
		return lane_fail(l, r, "connecting: %s", strerror(-r));
	l->c->check = !o->no_verify;
	r = login_negotiate(l->c, &status);
	if (r < 0 || !ntstatus_is_ok(status))
		return lane_fail(l, r < 0 ? r : -EIO, "negotiate: %s",
				 r < 0 ? conn_error(l->c) : ntstatus_str(status, buf));
	r = login_session(l->c, &in, &l->s, &status);
	if (r < 0 || !ntstatus_is_ok(status))
		return lane_fail(l, r < 0 ? r : -EIO, "login: %s",
				 r < 0 ? conn_error(l->c) : ntstatus_str(status, buf));
	return 0;
}

static void logout(struct lane *l)
{
	conn_free(l->c);
	sess_unref(l->s);
	l->c = NULL;
	l->s = NULL;
}

static int connect_tree(struct lane *l)
{
	struct smb2_tree_connect_resp resp;
	struct ntstatus status;
	char buf[11];
	int r = login_tree(l->c, l->s, l->o->share, &l->tree, &resp, &status);

	if (r < 0 || !ntstatus_is_ok(status))
		return lane_fail(l, r < 0 ? r : -EIO, "tree connect: %s",
				 r < 0 ? conn_error(l->c) : ntstatus_str(status, buf));
	return 0;
}

static int make_directory(struct lane *l)
{
	struct smb2_fileid d;
	int r = work_open(l, "hfbench", SMB2_FILE_READ_ATTRIBUTES | SMB2_DELETE, SMB2_FILE_OPEN_IF,
			  SMB2_FILE_DIRECTORY_FILE, &d);

	return r < 0 ? r : work_close(l, d);
}

/* Opens the lane's file and fills it up to its size, so that reads find data and not holes. */
static int make_file(struct lane *l)
{
	uint32_t step = MIN(l->c->max_write, (uint32_t)(1 << 20));
	char name[64];
	uint64_t at;
	int r;

	if (!l->c->large_mtu)
		step = 65536;
	if (l->o->same_file)
		snprintf(name, sizeof(name), "hfbench\\same");
	else
		snprintf(name, sizeof(name), "hfbench\\data%u", l->number);
	r = work_open(l, name, SMB2_FILE_GENERIC_READ | SMB2_FILE_GENERIC_WRITE, SMB2_FILE_OPEN_IF,
		      SMB2_FILE_NON_DIRECTORY_FILE, &l->file);
	l->has_file = r == 0;
	for (at = 0; r == 0 && at < l->o->file_size; at += step)
		r = work_write(l, l->file, at, (uint32_t)MIN((uint64_t)step, l->o->file_size - at));
	return r;
}

static int check_size(struct lane *l)
{
	uint32_t max = MIN(l->c->max_read, l->c->max_write);

	if (!l->c->large_mtu)
		max = MIN(max, (uint32_t)65536);
	if (l->o->size > max)
		return lane_fail(l, -EINVAL, "the server takes at most %u bytes at once", max);
	return 0;
}

int lane_start(struct lane *l)
{
	uint32_t charge = (l->o->size + 65535) / 65536;
	unsigned int i;
	int r;

	l->rng = UINT64_C(0x9e3779b97f4a7c15) * (l->number + 1);
	l->slots = calloc(l->o->depth, sizeof(*l->slots));
	if (!l->slots)
		return lane_fail(l, -ENOMEM, "out of memory");
	for (i = 0; i < l->o->depth; i++) {
		l->slots[i].lane = l;
		l->slots[i].number = i;
	}
	if (l->o->mode == MODE_SESSION)
		return 0;
	r = login(l);
	if (r < 0)
		return r;
	l->c->want_credits = (uint16_t)MIN((uint32_t)l->o->depth * charge + 64, (uint32_t)8000);
	r = connect_tree(l);
	if (r == 0 && l->o->mode != MODE_ECHO)
		r = make_directory(l);
	if (r == 0 &&
	    (l->o->mode == MODE_READ || l->o->mode == MODE_WRITE || l->o->mode == MODE_MIX)) {
		r = check_size(l);
		if (r == 0)
			r = make_file(l);
	}
	return r;
}

/* Session set-ups, one after the other: connection, negotiate, session, all gone again. */
static int work_sessions(struct lane *l)
{
	struct slot *s = &l->slots[0];
	int r = 0;

	while (r == 0 && conn_now() < l->end_ns) {
		s->start_ns = conn_now();
		r = login(l);
		if (r == 0)
			lane_count(l, s, 0);
		logout(l);
	}
	return r;
}

int lane_work(struct lane *l)
{
	struct slot *s;
	unsigned int i;
	bool stop = false;
	int r = 0;

	if (l->o->mode == MODE_SESSION)
		return work_sessions(l);
	for (i = 0; i < l->o->depth; i++)
		lane_ready(l, &l->slots[i]);
	while (l->err == 0) {
		stop = stop || conn_now() >= l->end_ns;
		while ((s = l->ready) && l->err == 0) {
			l->ready = s->next_ready;
			if (stop && s->state != SLOT_OPEN)
				continue;
			l->busy++;
			r = work_send(s);
			if (r < 0)
				return lane_fail(l, r, "sending: %s", conn_error(l->c));
		}
		if (!l->busy)
			break;
		r = conn_receive(l->c, conn_deadline(l->c));
		while (r == 0 && conn_has_message(l->c))
			r = conn_receive(l->c, conn_deadline(l->c));
		if (r < 0)
			return lane_fail(l, r, "receiving: %s", conn_error(l->c));
	}
	return l->err;
}

static void delete_file(struct lane *l, const char *name, uint32_t options)
{
	struct smb2_fileid f;
	int err = l->err;

	l->err = 0;
	if (work_open(l, name, SMB2_DELETE, SMB2_FILE_OPEN, options | SMB2_FILE_DELETE_ON_CLOSE,
		      &f) == 0)
		work_close(l, f);
	l->err = err;
}

static void delete_files(struct lane *l)
{
	unsigned int i, k;
	char name[64];

	snprintf(name, sizeof(name), "hfbench\\data%u", l->number);
	if (l->o->mode == MODE_OPEN_CLOSE || l->o->mode == MODE_PERSISTENT) {
		for (i = 0; i < l->o->depth; i++)
			for (k = 0; k < l->o->files && !l->o->same_file; k++) {
				snprintf(name, sizeof(name), "hfbench\\l%u-s%u-%u", l->number, i,
					 k);
				delete_file(l, name, 0);
			}
	} else if (!l->o->same_file) {
		delete_file(l, name, 0);
	}
	if (l->o->same_file)
		delete_file(l, "hfbench\\same", 0);
	delete_file(l, "hfbench", SMB2_FILE_DIRECTORY_FILE);
}

void lane_finish(struct lane *l)
{
	char error[sizeof(l->error)];

	memcpy(error, l->error, sizeof(error));
	if (l->c && l->s && l->tree && l->err == 0) {
		if (l->has_file)
			work_close(l, l->file);
		if (!l->o->keep && l->o->mode != MODE_ECHO)
			delete_files(l);
	}
	memcpy(l->error, error, sizeof(error));
	logout(l);
	free(l->slots);
	l->slots = NULL;
}
