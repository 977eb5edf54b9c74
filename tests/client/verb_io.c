/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read, write, flush, lock, unlock, ioctl, interfaces. One thread. */
#include <arpa/inet.h>

#include "node/base/clock.h"
#include "smbd/wire/close.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/fsctl.h"
#include "smbd/wire/ioctl.h"
#include "smbd/wire/lock.h"
#include "smbd/wire/readwrite.h"
#include "smbd/wire/snapshots.h"
#include "tests/client/verbs.h"

/* The number of an eight-byte buffer: what the history counts in. */
static void tell_u64(struct step *st, struct blob b)
{
	struct rd r = rd_of(b);

	if (b.len == 8)
		result_num(&st->res, "u64", rd_le64(&r));
	else if (b.len == 0)
		result_num(&st->res, "u64", 0);
}

static int prepare_read(struct step *st, struct msg *m)
{
	struct smb2_read_req req = { .padding = 0x50 };
	uint64_t min, len;
	size_t hdr;
	int r = step_handle(st, 0, &req.file_id);

	if (r == 0)
		r = step_number(st, st->arg[1], &req.offset);
	if (r == 0)
		r = step_number(st, st->arg[2], &len);
	if (r == 0)
		r = step_opt_num(st, "min", 0, &min);
	if (r < 0)
		return r;
	st->n[0] = req.offset;
	req.length = (uint32_t)len;
	req.minimum_count = (uint32_t)min;
	req.flags = step_flag(st, "unbuffered") ? SMB2_READFLAG_READ_UNBUFFERED : 0;
	hdr = step_add(st, m, SMB2_READ, st->tree, MIN(len, (uint64_t)(16 << 20)));
	smb2_read_req_encode(&m->w, hdr, &req);
	return 0;
}

static int finish_read(struct step *st)
{
	struct smb2_read_resp resp = { 0 };
	bool eof = step_answered(st) && st->res.status.v == NTSTATUS_END_OF_FILE;

	if (step_ok(st) && smb2_read_resp_decode(st->call.reply, &resp) < 0)
		return -EPROTO;
	if (step_ok(st) || eof) {
		result_bytes(&st->res, "data", resp.data);
		result_num(&st->res, "length", resp.data.len);
		tell_u64(st, resp.data);
	}
	history_op(st, "read", st->handle);
	return 0;
}

static int prepare_write(struct step *st, struct msg *m)
{
	struct smb2_write_req req = { 0 };
	size_t hdr;
	int r = step_handle(st, 0, &req.file_id);

	if (r == 0)
		r = step_number(st, st->arg[1], &req.offset);
	if (r < 0)
		return r;
	if (data_parse(&st->a, st->arg[2], &st->data) < 0)
		return step_fail(st, "'%s' is no data", st->arg[2]);
	st->n[0] = req.offset;
	req.flags = step_flag(st, "through") ? SMB2_WRITEFLAG_WRITE_THROUGH : 0;
	hdr = step_add(st, m, SMB2_WRITE, st->tree, st->data.len);
	if (st->data.len > 65536) {
		smb2_write_req_encode_head(&m->w, hdr, &req, (uint32_t)st->data.len);
		m->tail = st->data;
	} else {
		req.data = st->data;
		smb2_write_req_encode(&m->w, hdr, &req);
	}
	return 0;
}

static int finish_write(struct step *st)
{
	struct smb2_write_resp resp;

	tell_u64(st, st->data);
	history_op(st, "write", st->handle);
	if (!step_ok(st))
		return 0;
	if (smb2_write_resp_decode(st->call.reply, &resp) < 0)
		return -EPROTO;
	result_num(&st->res, "count", resp.count);
	return 0;
}

static int prepare_flush(struct step *st, struct msg *m)
{
	struct smb2_flush_req req;
	size_t hdr;
	int r = step_handle(st, 0, &req.file_id);

	if (r < 0)
		return r;
	hdr = step_add(st, m, SMB2_FLUSH, st->tree, 0);
	smb2_flush_req_encode(&m->w, hdr, &req);
	return 0;
}

static int finish_flush(struct step *st)
{
	return step_ok(st) && smb2_empty_decode(st->call.reply) < 0 ? -EPROTO : 0;
}

static int lock_element(struct step *st, const char *offset, const char *length, uint32_t flags,
			struct smb2_lock_element *ret)
{
	int r = step_number(st, offset, &ret->offset);

	if (r == 0)
		r = step_number(st, length, &ret->length);
	ret->flags = flags;
	return r;
}

/* more=x:OFFSET:LENGTH,s:...,u:...: further elements; the letter says exclusive, shared or unlock,
 * in capitals without FAIL_IMMEDIATELY. */
static int more_elements(struct step *st, struct smb2_lock_req *req, size_t max)
{
	const char *more = step_opt(st, "more");
	char *list = more ? arena_strdup(&st->a, more) : NULL, *save, *word;
	char kind[8], off[32], len[32];
	uint32_t flags;
	int r = 0;

	for (word = list ? strtok_r(list, ",", &save) : NULL; word && r == 0;
	     word = strtok_r(NULL, ",", &save)) {
		if (req->n_locks == max ||
		    sscanf(word, "%7[a-zA-Z]:%31[^:]:%31s", kind, off, len) != 3)
			return step_fail(st, "'%s' is no element of a lock", word);
		flags = kind[0] == 'x' || kind[0] == 'X' ? SMB2_LOCKFLAG_EXCLUSIVE_LOCK :
			kind[0] == 's' || kind[0] == 'S' ? SMB2_LOCKFLAG_SHARED_LOCK :
							   SMB2_LOCKFLAG_UNLOCK;
		if (kind[0] == 'x' || kind[0] == 's')
			flags |= SMB2_LOCKFLAG_FAIL_IMMEDIATELY;
		r = lock_element(st, off, len, flags, &req->locks[req->n_locks++]);
	}
	return r;
}

static int send_lock(struct step *st, struct msg *m, uint32_t flags)
{
	struct smb2_lock_element elements[64];
	struct smb2_lock_req req = { .locks = elements, .n_locks = 1 };
	unsigned int index = 0, number = 0;
	const char *seq = step_opt(st, "seq");
	uint64_t v;
	size_t hdr;
	int r = step_handle(st, 0, &req.file_id);

	if (r == 0)
		r = step_opt_num(st, "lock_flags", flags, &v);
	if (r == 0)
		r = lock_element(st, st->arg[1], st->arg[2], (uint32_t)v, &elements[0]);
	if (r == 0)
		r = more_elements(st, &req, ARRAY_SIZE(elements));
	if (r < 0)
		return r;
	if (seq && sscanf(seq, "%u:%u", &index, &number) != 2)
		return step_fail(st, "seq needs INDEX:NUMBER");
	req.sequence_index = index;
	req.sequence_number = (uint8_t)number;
	st->n[0] = elements[0].offset;
	st->n[1] = elements[0].length;
	st->n[2] = !(v & SMB2_LOCKFLAG_SHARED_LOCK);
	hdr = step_add(st, m, SMB2_LOCK, st->tree, 0);
	smb2_lock_req_encode(&m->w, hdr, &req);
	return 0;
}

static int prepare_lock(struct step *st, struct msg *m)
{
	uint32_t flags =
		step_flag(st, "shared") ? SMB2_LOCKFLAG_SHARED_LOCK : SMB2_LOCKFLAG_EXCLUSIVE_LOCK;

	return send_lock(st, m,
			 flags | (step_flag(st, "wait") ? 0 : SMB2_LOCKFLAG_FAIL_IMMEDIATELY));
}

static int prepare_unlock(struct step *st, struct msg *m)
{
	return send_lock(st, m, SMB2_LOCKFLAG_UNLOCK);
}

static int finish_lock(struct step *st)
{
	history_op(st, st->verb->prepare == prepare_unlock ? "unlock" : "lock", st->handle);
	return step_ok(st) && smb2_empty_decode(st->call.reply) < 0 ? -EPROTO : 0;
}

static const struct named controls[] = {
	{ "dfs_referrals", FSCTL_DFS_GET_REFERRALS },
	{ "set_sparse", FSCTL_SET_SPARSE },
	{ "set_zero_data", FSCTL_SET_ZERO_DATA },
	{ "allocated_ranges", FSCTL_QUERY_ALLOCATED_RANGES },
	{ "get_compression", FSCTL_GET_COMPRESSION },
	{ "object_id", FSCTL_CREATE_OR_GET_OBJECT_ID },
	{ "get_reparse", FSCTL_GET_REPARSE_POINT },
	{ "set_reparse", FSCTL_SET_REPARSE_POINT },
	{ "pipe_transceive", FSCTL_PIPE_TRANSCEIVE },
	{ "pipe_wait", FSCTL_PIPE_WAIT },
	{ "validate_negotiate", FSCTL_VALIDATE_NEGOTIATE_INFO },
	{ "interfaces", FSCTL_QUERY_NETWORK_INTERFACE_INFO },
	{ "resume_key", FSCTL_SRV_REQUEST_RESUME_KEY },
	{ "copychunk", FSCTL_SRV_COPYCHUNK },
	{ "resiliency", FSCTL_LMR_REQUEST_RESILIENCY },
	{ "snapshots", FSCTL_SRV_ENUMERATE_SNAPSHOTS },
	{ NULL, 0 },
};

static int prepare_ioctl(struct step *st, struct msg *m)
{
	struct smb2_ioctl_req req = { .flags = step_flag(st, "notfsctl") ? 0 :
									   SMB2_0_IOCTL_IS_FSCTL };
	const char *in = step_opt(st, "input");
	uint64_t max;
	size_t hdr;
	int r = named_find(st, "control", controls, st->arg[1], &req.ctl_code);

	if (r == 0 && world_tree(st->w, st->arg[0])) {
		st->tree = world_tree(st->w, st->arg[0]);
		req.file_id = SMB2_FILEID_ANY;
	} else if (r == 0) {
		r = step_handle(st, 0, &req.file_id);
	}
	if (r == 0)
		r = step_opt_num(st, "max", 65536, &max);
	if (r < 0)
		return r;
	if (in && data_parse(&st->a, in, &req.input) < 0)
		return step_fail(st, "'%s' is no data", in);
	req.max_output_response = (uint32_t)max;
	hdr = step_add(st, m, SMB2_IOCTL, st->tree,
		       MIN(MAX(req.input.len, max), (uint64_t)(1 << 20)));
	smb2_ioctl_req_encode(&m->w, hdr, &req);
	return 0;
}

static int tell_interfaces(struct step *st, struct blob output)
{
	struct rd r = rd_of(output);
	struct fsctl_netif n;
	char text[INET6_ADDRSTRLEN], all[1024] = "|";
	uint64_t count = 0;
	int got;

	while ((got = fsctl_netif_next(&r, &n)) > 0) {
		inet_ntop(n.ipv6 ? AF_INET6 : AF_INET, n.addr, text, sizeof(text));
		if (strlen(all) + strlen(text) + 2 < sizeof(all)) {
			strcat(all, text);
			strcat(all, "|");
		}
		count++;
	}
	result_num(&st->res, "interfaces", count);
	result_text(&st->res, "addresses", all);
	return got < 0 ? -EPROTO : 0;
}

/* Times as FILETIME, for twrp=. */
static int tell_snapshots(struct step *st, struct blob output)
{
	struct snapshots s;

	if (snapshots_decode(&st->a, output, &s) < 0)
		return -EPROTO;
	result_num(&st->res, "snapshots", s.n);
	result_num(&st->res, "returned", s.n_returned);
	result_num(&st->res, "size", s.size);
	if (s.n_returned) {
		result_num(&st->res, "newest", nttime_from_timespec((struct timespec){ .tv_sec = s.times[0] }));
		result_num(&st->res, "oldest",
			   nttime_from_timespec((struct timespec){ .tv_sec = s.times[s.n_returned - 1] }));
	}
	return 0;
}

static int finish_ioctl(struct step *st)
{
	struct smb2_ioctl_resp resp;

	if (!step_ok(st))
		return 0;
	if (smb2_ioctl_resp_decode(st->call.reply, &resp) < 0)
		return -EPROTO;
	result_bytes(&st->res, "data", resp.output);
	result_num(&st->res, "length", resp.output.len);
	result_num(&st->res, "code", resp.ctl_code);
	if (resp.ctl_code == FSCTL_QUERY_NETWORK_INTERFACE_INFO)
		return tell_interfaces(st, resp.output);
	if (resp.ctl_code == FSCTL_SRV_ENUMERATE_SNAPSHOTS)
		return tell_snapshots(st, resp.output);
	return 0;
}

const struct verb verbs_io[] = {
	{ "read", 3, 3, " min unbuffered ", prepare_read, finish_read, NULL },
	{ "write", 3, 3, " through ", prepare_write, finish_write, NULL },
	{ "flush", 1, 1, "", prepare_flush, finish_flush, NULL },
	{ "lock", 3, 3, " shared wait seq more lock_flags ", prepare_lock, finish_lock, NULL },
	{ "unlock", 3, 3, " seq more lock_flags ", prepare_unlock, finish_lock, NULL },
	{ "ioctl", 2, 2, " input max notfsctl ", prepare_ioctl, finish_ioctl, NULL },
	{ NULL, 0, 0, NULL, NULL, NULL, NULL },
};
