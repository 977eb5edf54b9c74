/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decodes any SMB2 message by its header. */
#include "tests/fuzz/wire_dispatch.h"

#include "smbd/wire/break.h"
#include "smbd/wire/change_notify.h"
#include "smbd/wire/close.h"
#include "smbd/wire/create.h"
#include "smbd/wire/create_ctx.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/error.h"
#include "smbd/wire/fscc_dir.h"
#include "smbd/wire/fscc_file.h"
#include "smbd/wire/fscc_fs.h"
#include "smbd/wire/fsctl.h"
#include "smbd/wire/info.h"
#include "smbd/wire/ioctl.h"
#include "smbd/wire/lock.h"
#include "smbd/wire/outbuf.h"
#include "smbd/wire/query_directory.h"
#include "smbd/wire/readwrite.h"
#include "smbd/wire/secdesc.h"
#include "smbd/wire/session_setup.h"
#include "smbd/wire/snapshots.h"
#include "smbd/wire/tree_connect.h"

/* Reads every byte, so that a pointer past the end is seen. */
static void touch(struct blob b)
{
	volatile uint8_t sink = 0;

	for (size_t i = 0; i < b.len; i++)
		sink ^= b.data[i];
	(void)sink;
}

static void touch_eas(struct blob b)
{
	struct rd r = rd_of(b);
	struct fscc_ea ea;

	while (fscc_ea_next(&r, &ea) == 1) {
		touch(ea.name);
		touch(ea.value);
	}
}

int wire_dispatch_secdesc(struct arena *a, struct blob b)
{
	struct secdesc sd, again;
	struct wr w = wr_arena(a, 1 << 20);
	int e = secdesc_decode(a, b, &sd);

	if (e < 0)
		return e;
	secdesc_encode(&w, &sd);
	if (!wr_ok(&w))
		return 0; /* parts that overlap can grow past what an ACL can say */
	if (w.len != secdesc_encoded_len(&sd))
		abort();
	if (w.len <= SECDESC_MAX_LEN && secdesc_decode(a, wr_blob(&w), &again) < 0)
		abort();
	return 0;
}

int wire_dispatch_create_ctxs(struct arena *a, struct blob list)
{
	struct smb2_create_ctxs_resp resp;
	struct smb2_create_ctxs_req req;
	struct smb2_create_ctx ctx;
	struct rd r = rd_of(list);
	int e;

	while (smb2_create_ctx_next(&r, &ctx) == 1) {
		touch(ctx.name);
		touch(ctx.data);
	}
	(void)smb2_create_ctxs_resp_decode(list, &resp);
	e = smb2_create_ctxs_req_decode(list, &req);
	if (e == 0) {
		touch_eas(req.exta);
		if (req.present & SMB2_CTX_SECD)
			(void)wire_dispatch_secdesc(a, req.secd);
	}
	return e;
}

static void dispatch_file_info(uint8_t info_class, struct blob b)
{
	struct fscc_network_open no;
	struct fscc_attribute_tag tag;
	struct fscc_compression comp;
	struct fscc_standard st;
	struct fscc_stream stream;
	struct fscc_rename rename;
	struct fscc_dirent de;
	struct fscc_file_id id;
	struct fscc_basic basic;
	struct fscc_all all;
	struct blob name;
	struct rd r = rd_of(b);
	uint64_t u64;
	uint32_t u32;
	bool flag;

	(void)fscc_basic_decode(b, &basic);
	(void)fscc_standard_decode(b, &st);
	(void)fscc_network_open_decode(b, &no);
	(void)fscc_attribute_tag_decode(b, &tag);
	(void)fscc_compression_decode(b, &comp);
	(void)fscc_file_id_decode(b, &id);
	(void)fscc_u32_decode(b, &u32);
	(void)fscc_u64_decode(b, &u64);
	(void)fscc_disposition_decode(b, &flag);
	if (fscc_name_decode(b, &name) == 0)
		touch(name);
	if (fscc_all_decode(b, &all) == 0)
		touch(all.name);
	if (fscc_rename_decode(b, info_class, &rename) == 0)
		touch(rename.name);
	while (fscc_dir_next(&r, info_class, &de) == 1) {
		touch(de.name);
		touch(de.short_name);
	}
	r = rd_of(b);
	while (fscc_stream_next(&r, &stream) == 1)
		touch(stream.name);
	r = rd_of(b);
	while (fscc_ea_name_next(&r, &name) == 1)
		touch(name);
	touch_eas(b);
}

static void dispatch_fs_info(struct blob b)
{
	struct fscc_fs_sector_size sector;
	struct fscc_fs_full_size full;
	struct fscc_fs_attribute attr;
	struct fscc_fs_object_id oid;
	struct fscc_fs_control control;
	struct fscc_fs_device device;
	struct fscc_fs_volume volume;
	struct fscc_fs_size size;
	struct blob label;

	(void)fscc_fs_sector_size_decode(b, &sector);
	(void)fscc_fs_full_size_decode(b, &full);
	(void)fscc_fs_object_id_decode(b, &oid);
	(void)fscc_fs_control_decode(b, &control);
	(void)fscc_fs_device_decode(b, &device);
	(void)fscc_fs_size_decode(b, &size);
	if (fscc_fs_attribute_decode(b, &attr) == 0)
		touch(attr.name);
	if (fscc_fs_volume_decode(b, &volume) == 0)
		touch(volume.label);
	if (fscc_fs_label_decode(b, &label) == 0)
		touch(label);
}

int wire_dispatch_info(struct arena *a, uint8_t type, uint8_t info_class, struct blob b)
{
	switch (type) {
	case SMB2_0_INFO_FILE:
		dispatch_file_info(info_class, b);
		return 0;
	case SMB2_0_INFO_FILESYSTEM:
		dispatch_fs_info(b);
		return 0;
	case SMB2_0_INFO_SECURITY:
		return wire_dispatch_secdesc(a, b);
	default:
		return -ENOSYS;
	}
}

static void touch_neg_ctxs(const struct smb2_neg_ctxs *c)
{
	touch(c->preauth_salt);
	touch(c->netname);
	(void)smb2_ids_has(&c->ciphers, 0xffff);
	(void)smb2_ids_has(&c->signing_algs, 0xffff);
	(void)smb2_ids_has(&c->compressions, 0xffff);
	(void)smb2_ids_has(&c->rdma_transforms, 0xffff);
	(void)smb2_ids_has(&c->preauth_hashes, 0xffff);
}

static void dispatch_fsctl_in(struct arena *a, uint32_t code, struct blob b)
{
	struct fsctl_validate_negotiate_req vneg;
	struct fsctl_copychunk_req chunks;
	struct fsctl_pipe_wait wait;
	struct fsctl_range range;
	uint32_t timeout;
	bool sparse;

	switch (code) {
	case FSCTL_VALIDATE_NEGOTIATE_INFO:
		(void)fsctl_validate_negotiate_req_decode(a, b, &vneg);
		break;
	case FSCTL_PIPE_WAIT:
		if (fsctl_pipe_wait_decode(b, &wait) == 0)
			touch(wait.name);
		break;
	case FSCTL_SET_SPARSE:
		(void)fsctl_set_sparse_decode(b, &sparse);
		break;
	case FSCTL_SET_ZERO_DATA:
		(void)fsctl_set_zero_data_decode(b, &range);
		break;
	case FSCTL_QUERY_ALLOCATED_RANGES:
		(void)fsctl_allocated_ranges_req_decode(b, &range);
		break;
	case FSCTL_SRV_COPYCHUNK:
	case FSCTL_SRV_COPYCHUNK_WRITE:
		(void)fsctl_copychunk_req_decode(a, b, &chunks);
		break;
	case FSCTL_LMR_REQUEST_RESILIENCY:
		(void)fsctl_resiliency_decode(b, &timeout);
		break;
	}
}

static int dispatch_ioctl_req(struct arena *a, struct blob msg)
{
	struct smb2_ioctl_req q;
	int e = smb2_ioctl_req_decode(msg, &q);

	if (e == 0) {
		touch(q.input);
		touch(q.output);
		dispatch_fsctl_in(a, q.ctl_code, q.input);
	}
	return e;
}

static int dispatch_create_req(struct arena *a, struct blob msg)
{
	struct smb2_create_req q;
	int e = smb2_create_req_decode(msg, &q);

	if (e == 0) {
		touch(q.name);
		touch(q.contexts);
		e = wire_dispatch_create_ctxs(a, q.contexts);
	}
	return e;
}

static int dispatch_info_req(struct arena *a, uint16_t command, struct blob msg)
{
	struct smb2_query_info_req query;
	struct smb2_set_info_req set;
	int e;

	if (command == SMB2_QUERY_INFO) {
		e = smb2_query_info_req_decode(msg, &query);
		if (e == 0)
			(void)wire_dispatch_info(a, query.info_type, query.info_class, query.input);
		return e;
	}
	e = smb2_set_info_req_decode(msg, &set);
	if (e == 0)
		(void)wire_dispatch_info(a, set.info_type, set.info_class, set.buffer);
	return e;
}

static int dispatch_rw_req(uint16_t command, struct blob msg)
{
	struct smb2_read_req rd;
	struct smb2_write_req wr;
	int e;

	if (command == SMB2_READ) {
		e = smb2_read_req_decode(msg, &rd);
		if (e == 0)
			touch(rd.channel_info);
		return e;
	}
	e = smb2_write_req_decode(msg, &wr);
	if (e == 0) {
		touch(wr.data);
		touch(wr.channel_info);
	}
	return e;
}

static int dispatch_connect_req(struct arena *a, uint16_t command, struct blob msg)
{
	struct smb2_session_setup_req setup;
	struct smb2_tree_connect_req tree;
	struct smb2_negotiate_req neg;
	int e;

	switch (command) {
	case SMB2_NEGOTIATE:
		e = smb2_negotiate_req_decode(a, msg, &neg);
		if (e == 0)
			touch_neg_ctxs(&neg.ctxs);
		return e;
	case SMB2_SESSION_SETUP:
		e = smb2_session_setup_req_decode(msg, &setup);
		if (e == 0)
			touch(setup.token);
		return e;
	default:
		e = smb2_tree_connect_req_decode(msg, true, &tree);
		if (e == 0) {
			touch(tree.path);
			touch(tree.remoted_identity);
		}
		return e;
	}
}

static int dispatch_open_req(struct arena *a, uint16_t command, struct blob msg)
{
	struct smb2_query_directory_req dir;
	struct smb2_change_notify_req notify;
	struct smb2_close_req close;
	struct smb2_flush_req flush;
	struct smb2_lock_req lock;
	struct smb2_break brk;
	int e;

	switch (command) {
	case SMB2_CLOSE:
		return smb2_close_req_decode(msg, &close);
	case SMB2_FLUSH:
		return smb2_flush_req_decode(msg, &flush);
	case SMB2_LOCK:
		return smb2_lock_req_decode(a, msg, &lock);
	case SMB2_QUERY_DIRECTORY:
		e = smb2_query_directory_req_decode(msg, &dir);
		if (e == 0)
			touch(dir.pattern);
		return e;
	case SMB2_CHANGE_NOTIFY:
		return smb2_change_notify_req_decode(msg, &notify);
	case SMB2_OPLOCK_BREAK:
		return smb2_break_req_decode(msg, &brk);
	default:
		return -ENOSYS;
	}
}

int wire_dispatch_request(struct arena *a, struct blob msg)
{
	struct smb2_hdr h;
	int e = smb2_hdr_decode(msg, &h);

	if (e < 0)
		return e;
	switch (h.command) {
	case SMB2_NEGOTIATE:
	case SMB2_SESSION_SETUP:
	case SMB2_TREE_CONNECT:
		return dispatch_connect_req(a, h.command, msg);
	case SMB2_LOGOFF:
	case SMB2_TREE_DISCONNECT:
	case SMB2_CANCEL:
	case SMB2_ECHO:
		return smb2_empty_decode(msg);
	case SMB2_CREATE:
		return dispatch_create_req(a, msg);
	case SMB2_READ:
	case SMB2_WRITE:
		return dispatch_rw_req(h.command, msg);
	case SMB2_IOCTL:
		return dispatch_ioctl_req(a, msg);
	case SMB2_QUERY_INFO:
	case SMB2_SET_INFO:
		return dispatch_info_req(a, h.command, msg);
	default:
		return dispatch_open_req(a, h.command, msg);
	}
}

static int dispatch_error(struct blob msg)
{
	struct smb2_symlink_error link;
	struct smb2_error_resp err;
	struct smb2_error_ctx ctx;
	struct rd r;
	int e = smb2_error_resp_decode(msg, &err);

	if (e < 0)
		return e;
	touch(err.data);
	r = rd_of(err.data);
	while (smb2_error_ctx_next(&r, &ctx) == 1)
		touch(ctx.data);
	if (smb2_symlink_error_decode(err.data, &link) == 0) {
		touch(link.substitute_name);
		touch(link.print_name);
	}
	return 0;
}

static int dispatch_outbuf(struct arena *a, uint16_t command, struct blob msg)
{
	static const uint8_t classes[] = { FSCC_FILE_DIRECTORY, FSCC_FILE_NAMES,
					   FSCC_FILE_ID_BOTH_DIRECTORY,
					   FSCC_FILE_ID_EXTD_BOTH_DIRECTORY, FSCC_FILE_BASIC };
	struct fscc_notify n;
	struct blob b;
	struct rd r;
	int e = smb2_outbuf_decode(msg, &b);

	if (e < 0)
		return e;
	touch(b);
	if (command == SMB2_CHANGE_NOTIFY) {
		r = rd_of(b);
		while (fscc_notify_next(&r, &n) == 1)
			touch(n.name);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		(void)wire_dispatch_info(a, SMB2_0_INFO_FILE, classes[i], b);
	(void)wire_dispatch_info(a, SMB2_0_INFO_FILESYSTEM, 0, b);
	(void)wire_dispatch_info(a, SMB2_0_INFO_SECURITY, 0, b);
	return 0;
}

static int dispatch_ioctl_resp(struct arena *a, struct blob msg)
{
	struct fsctl_validate_negotiate_resp vneg;
	uint8_t key[FSCTL_RESUME_KEY_LEN];
	struct fsctl_copychunk_resp chunks;
	struct snapshots snapshots;
	struct fsctl_range range;
	struct fsctl_netif nif;
	struct smb2_ioctl_resp p;
	struct rd r;
	int e = smb2_ioctl_resp_decode(msg, &p);

	if (e < 0)
		return e;
	touch(p.input);
	touch(p.output);
	r = rd_of(p.output);
	while (fsctl_netif_next(&r, &nif) == 1)
		;
	r = rd_of(p.output);
	while (fsctl_allocated_range_next(&r, &range) == 1)
		;
	(void)fsctl_validate_negotiate_resp_decode(p.output, &vneg);
	(void)fsctl_resume_key_decode(p.output, key);
	(void)fsctl_copychunk_resp_decode(p.output, &chunks);
	(void)snapshots_decode(a, p.output, &snapshots);
	return 0;
}

static int dispatch_connect_resp(struct arena *a, uint16_t command, struct blob msg)
{
	struct smb2_session_setup_resp setup;
	struct smb2_tree_connect_resp tree;
	struct smb2_negotiate_resp neg;
	int e;

	switch (command) {
	case SMB2_NEGOTIATE:
		e = smb2_negotiate_resp_decode(a, msg, &neg);
		if (e == 0) {
			touch(neg.token);
			touch_neg_ctxs(&neg.ctxs);
		}
		return e;
	case SMB2_SESSION_SETUP:
		e = smb2_session_setup_resp_decode(msg, &setup);
		if (e == 0)
			touch(setup.token);
		return e;
	default:
		return smb2_tree_connect_resp_decode(msg, &tree);
	}
}

static int dispatch_open_resp(struct arena *a, uint16_t command, struct blob msg)
{
	struct smb2_create_ctxs_resp ctxs;
	struct smb2_create_resp create;
	struct smb2_close_resp close;
	struct smb2_write_resp write;
	struct smb2_read_resp read;
	struct smb2_break brk;
	int e;

	switch (command) {
	case SMB2_CREATE:
		e = smb2_create_resp_decode(msg, &create);
		if (e < 0)
			return e;
		(void)wire_dispatch_create_ctxs(a, create.contexts);
		return smb2_create_ctxs_resp_decode(create.contexts, &ctxs);
	case SMB2_CLOSE:
		return smb2_close_resp_decode(msg, &close);
	case SMB2_READ:
		e = smb2_read_resp_decode(msg, &read);
		if (e == 0)
			touch(read.data);
		return e;
	case SMB2_WRITE:
		return smb2_write_resp_decode(msg, &write);
	case SMB2_OPLOCK_BREAK:
		return smb2_break_resp_decode(msg, &brk);
	case SMB2_SET_INFO:
		return smb2_set_info_resp_decode(msg);
	default:
		return -ENOSYS;
	}
}

int wire_dispatch_response(struct arena *a, struct blob msg)
{
	struct smb2_hdr h;
	int e = smb2_hdr_decode(msg, &h);

	if (e < 0)
		return e;
	if (h.status.v == NTSTATUS_PENDING ||
	    (ntstatus_is_error(h.status) && h.status.v != NTSTATUS_MORE_PROCESSING_REQUIRED))
		return dispatch_error(msg);
	switch (h.command) {
	case SMB2_NEGOTIATE:
	case SMB2_SESSION_SETUP:
	case SMB2_TREE_CONNECT:
		return dispatch_connect_resp(a, h.command, msg);
	case SMB2_LOGOFF:
	case SMB2_TREE_DISCONNECT:
	case SMB2_ECHO:
	case SMB2_FLUSH:
	case SMB2_LOCK:
		return smb2_empty_decode(msg);
	case SMB2_QUERY_DIRECTORY:
	case SMB2_QUERY_INFO:
	case SMB2_CHANGE_NOTIFY:
		return dispatch_outbuf(a, h.command, msg);
	case SMB2_IOCTL:
		return dispatch_ioctl_resp(a, msg);
	default:
		return dispatch_open_resp(a, h.command, msg);
	}
}
