/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The requests of a load generator. A lane's thread. */
#include "tests/bench/bench.h"
#include "tests/bench/names.h"

#include <inttypes.h>
#include <stdio.h>

#include "node/base/guid.h"
#include "node/base/utf.h"
#include "smbd/wire/close.h"
#include "smbd/wire/create_ctx.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/readwrite.h"

static struct msg_head head(struct lane *l, uint16_t command, size_t payload)
{
	return (struct msg_head){
		.command = command, .sess = l->s, .tree_id = l->tree, .payload = payload
	};
}

static void put_create(struct msg *m, size_t hdr, const char *name, uint32_t access,
		       uint32_t disposition, uint32_t options, bool persistent)
{
	struct smb2_create_ctxs_req c = { 0 };
	uint8_t utf16[256], ctxs[128];
	struct wr w = wr_fixed(ctxs, sizeof(ctxs));
	struct smb2_create_req req = {
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = access,
		.file_attributes = SMB2_FILE_ATTRIBUTE_NORMAL,
		.share_access = 7,
		.disposition = disposition,
		.options = options,
	};

	req.name = BLOB(utf16, widen(name, utf16));
	if (persistent) {
		c.present = SMB2_CTX_DH2Q;
		c.dh2q.flags = SMB2_DHANDLE_FLAG_PERSISTENT;
		c.dh2q.create_guid = guid_random();
		smb2_create_ctxs_req_encode(&w, &c);
		req.contexts = wr_blob(&w);
	}
	smb2_create_req_encode(&m->w, hdr, &req);
}

static void file_name(const struct slot *s, char *buf, size_t n)
{
	const struct options *o = s->lane->o;

	if (o->same_file)
		snprintf(buf, n, "hfbench\\same");
	else
		snprintf(buf, n, "hfbench\\l%u-s%u-%u", s->lane->number, s->number,
			 (unsigned int)(s->serial % o->files));
}

/* --- answers --- */

static bool refused(struct slot *s, const struct smb2_hdr *hdr, const char *what)
{
	char buf[11];

	if (ntstatus_is_ok(hdr->status))
		return false;
	s->lane->errors++;
	s->lane->busy--;
	lane_fail(s->lane, -EIO, "%s: %s", what, ntstatus_str(hdr->status, buf));
	return true;
}

static void created(struct call *call, const struct smb2_hdr *hdr, struct blob msg)
{
	struct slot *s = container_of(call, struct slot, call);
	struct smb2_create_ctxs_resp c = { 0 };
	struct smb2_create_resp resp;

	if (refused(s, hdr, "create"))
		return;
	s->lane->busy--;
	if (smb2_create_resp_decode(msg, &resp) < 0 ||
	    smb2_create_ctxs_resp_decode(resp.contexts, &c) < 0) {
		lane_fail(s->lane, -EPROTO, "a CREATE response is malformed");
		return;
	}
	if (s->lane->o->mode == MODE_PERSISTENT &&
	    (!(c.present & SMB2_CTX_DH2Q) || !(c.dh2q.flags & SMB2_DHANDLE_FLAG_PERSISTENT))) {
		lane_fail(s->lane, -ENOTSUP, "the server grants no persistent opens on this share");
		return;
	}
	s->file = resp.file_id;
	s->state = SLOT_OPEN;
	lane_ready(s->lane, s);
}

static void done_simple(struct call *call, const struct smb2_hdr *hdr, struct blob msg)
{
	struct slot *s = container_of(call, struct slot, call);

	if (refused(s, hdr, s->state == SLOT_CLOSING ? "close" : "echo"))
		return;
	s->lane->busy--;
	lane_count(s->lane, s, 0);
	s->state = SLOT_IDLE;
	lane_ready(s->lane, s);
}

static void done_io(struct call *call, const struct smb2_hdr *hdr, struct blob msg)
{
	struct slot *s = container_of(call, struct slot, call);
	struct smb2_write_resp w = { 0 };
	struct smb2_read_resp r = { 0 };
	uint32_t want = s->lane->o->size;
	int e;

	if (refused(s, hdr, s->writing ? "write" : "read"))
		return;
	s->lane->busy--;
	e = s->writing ? smb2_write_resp_decode(msg, &w) : smb2_read_resp_decode(msg, &r);
	if (e < 0 || (s->writing ? w.count : r.data.len) != want) {
		lane_fail(s->lane, -EPROTO, "a %s was answered with fewer bytes than asked for",
			  s->writing ? "write" : "read");
		return;
	}
	lane_count(s->lane, s, want);
	s->state = SLOT_IDLE;
	lane_ready(s->lane, s);
}

/* --- requests --- */

static int send_open(struct slot *s)
{
	struct msg_head h = head(s->lane, SMB2_CREATE, 0);
	char name[64];
	struct msg m;
	size_t hdr;

	file_name(s, name, sizeof(name));
	s->serial++;
	s->start_ns = conn_now();
	s->state = SLOT_OPENING;
	s->call.done = created;
	msg_begin(&m, s->lane->c);
	hdr = msg_add(&m, &s->call, &h);
	put_create(&m, hdr, name, SMB2_FILE_GENERIC_READ | SMB2_FILE_GENERIC_WRITE,
		   SMB2_FILE_OPEN_IF, SMB2_FILE_NON_DIRECTORY_FILE,
		   s->lane->o->mode == MODE_PERSISTENT);
	return msg_send(&m);
}

static int send_close(struct slot *s)
{
	struct msg_head h = head(s->lane, SMB2_CLOSE, 0);
	struct smb2_close_req req = { .file_id = s->file };
	struct msg m;
	size_t hdr;

	s->state = SLOT_CLOSING;
	s->call.done = done_simple;
	msg_begin(&m, s->lane->c);
	hdr = msg_add(&m, &s->call, &h);
	smb2_close_req_encode(&m.w, hdr, &req);
	return msg_send(&m);
}

static int send_echo(struct slot *s)
{
	struct msg_head h = head(s->lane, SMB2_ECHO, 0);
	struct msg m;

	s->start_ns = conn_now();
	s->state = SLOT_IO;
	s->call.done = done_simple;
	msg_begin(&m, s->lane->c);
	msg_add(&m, &s->call, &h);
	smb2_empty_encode(&m.w);
	return msg_send(&m);
}

/* Where the next block lies, so that none is read or written twice in a row. */
static uint64_t next_offset(struct lane *l)
{
	uint64_t blocks = MAX(l->o->file_size / l->o->size, (uint64_t)1);

	if (l->o->one_block)
		return 0;
	if (l->o->sequential)
		return l->position++ % blocks * l->o->size;
	return lane_random(l) % blocks * l->o->size;
}

static void put_write(struct msg *m, size_t hdr, struct lane *l, struct smb2_fileid file,
		      uint64_t offset, uint32_t size)
{
	struct smb2_write_req req = { .offset = offset, .file_id = file };

	if (l->o->write_through)
		req.flags = SMB2_WRITEFLAG_WRITE_THROUGH;
	smb2_write_req_encode_head(&m->w, hdr, &req, size);
	m->tail = BLOB(l->noise + lane_random(l) % NOISE_LEN, size);
}

static int send_io(struct slot *s, bool writing)
{
	struct lane *l = s->lane;
	struct msg_head h = head(l, writing ? SMB2_WRITE : SMB2_READ, l->o->size);
	struct smb2_read_req req = { .padding = 0x50, .length = l->o->size, .file_id = l->file };
	struct msg m;
	size_t hdr;

	s->start_ns = conn_now();
	s->state = SLOT_IO;
	s->writing = writing;
	s->call.done = done_io;
	msg_begin(&m, l->c);
	hdr = msg_add(&m, &s->call, &h);
	if (writing) {
		put_write(&m, hdr, l, l->file, next_offset(l), l->o->size);
	} else {
		req.offset = next_offset(l);
		smb2_read_req_encode(&m.w, hdr, &req);
	}
	return msg_send(&m);
}

int work_send(struct slot *s)
{
	switch (s->lane->o->mode) {
	case MODE_OPEN_CLOSE:
	case MODE_PERSISTENT:
		return s->state == SLOT_OPEN ? send_close(s) : send_open(s);
	case MODE_READ:
		return send_io(s, false);
	case MODE_WRITE:
		return send_io(s, true);
	case MODE_MIX:
		return send_io(s, lane_random(s->lane) % 10 < 3);
	case MODE_ECHO:
		return send_echo(s);
	case MODE_SESSION:
		break;
	}
	return -EINVAL;
}

/* --- one at a time, outside of what is measured --- */

static int finish(struct lane *l, struct msg *m, struct call *call, const char *what)
{
	char buf[11];
	int r = msg_send(m);

	if (r == 0)
		r = conn_wait(l->c, call, false, conn_deadline(l->c));
	if (r < 0)
		return lane_fail(l, r, "%s: %s", what, conn_error(l->c));
	if (!ntstatus_is_ok(call->hdr.status))
		return lane_fail(l, -EIO, "%s: %s", what, ntstatus_str(call->hdr.status, buf));
	return 0;
}

int work_open(struct lane *l, const char *name, uint32_t access, uint32_t disposition,
	      uint32_t options, struct smb2_fileid *ret)
{
	struct msg_head h = head(l, SMB2_CREATE, 0);
	struct smb2_create_resp resp;
	struct call call = { 0 };
	struct msg m;
	size_t hdr;
	int r;

	msg_begin(&m, l->c);
	hdr = msg_add(&m, &call, &h);
	put_create(&m, hdr, name, access, disposition, options, false);
	r = finish(l, &m, &call, name);
	if (r == 0 && smb2_create_resp_decode(call.reply, &resp) < 0)
		r = lane_fail(l, -EPROTO, "a CREATE response is malformed");
	if (r == 0)
		*ret = resp.file_id;
	call_done(&call);
	return r;
}

int work_close(struct lane *l, struct smb2_fileid file)
{
	struct msg_head h = head(l, SMB2_CLOSE, 0);
	struct smb2_close_req req = { .file_id = file };
	struct call call = { 0 };
	struct msg m;
	size_t hdr;
	int r;

	msg_begin(&m, l->c);
	hdr = msg_add(&m, &call, &h);
	smb2_close_req_encode(&m.w, hdr, &req);
	r = finish(l, &m, &call, "close");
	call_done(&call);
	return r;
}

int work_write(struct lane *l, struct smb2_fileid file, uint64_t offset, uint32_t size)
{
	struct msg_head h = head(l, SMB2_WRITE, size);
	struct call call = { 0 };
	struct msg m;
	size_t hdr;
	int r;

	msg_begin(&m, l->c);
	hdr = msg_add(&m, &call, &h);
	put_write(&m, hdr, l, file, offset, size);
	r = finish(l, &m, &call, "filling the file");
	call_done(&call);
	return r;
}
