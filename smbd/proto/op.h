/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of commands. smbd/proto/ops.def has one row per command; each file of smbd/op exports
 * one `const struct smb_op op_NAME`; smbd/op/ops.c joins both into the one table that the
 * dispatcher walks.
 */
#ifndef HF_SMBD_PROTO_OP_H
#define HF_SMBD_PROTO_OP_H

#include "smbd/wire/ntstatus.h"
#include "smbd/wire/smb2.h"

struct smb_req;

/* What the dispatcher has made sure of before decode() runs. */
enum smb_op_flags {
	OP_SESSION = 1 << 0, /* req->session is valid and authenticated on this channel */
	OP_TREE = 1 << 1, /* req->tree is connected */
	OP_OPEN = 1 << 2, /* the FileId at `fileid_off` was resolved to req->open */
	OP_OPEN_OR_NONE = 1 << 3, /* the same, but FileId may be all ones outside of a compound, or
				     name no open: req->open is NULL then */
	OP_PEND = 1 << 4, /* may call req_pend() */
	OP_EXPIRED_OK = 1 << 5, /* runs also when the session has expired (MS-SMB2 3.3.5.2.9) */
	OP_ALONE = 1 << 6, /* must not be part of a compound (NEGOTIATE, SESSION_SETUP) */
	OP_MODIFIES = 1 << 8, /* changes a file: the channel sequence is checked (3.3.5.2.10) */
};

/* One command. Both functions run in a task on the connection's home worker. */
struct smb_op {
	/* Decodes req->in (from its SMB2 header) into req->args, in req->arena; looks at nothing
	 * else. NULL: nothing to decode. -EBADMSG: STATUS_INVALID_PARAMETER is answered and run()
	 * is not called. */
	int (*decode)(struct smb_req *req);
	/* Does it, and writes the response's body to req->out (offsets count from the response's
	 * header). The status that it returns is the response's; for an error status without
	 * req_error_body() what it wrote is dropped. */
	struct ntstatus (*run)(struct smb_req *req);
};

struct smb_op_row {
	const char *name;
	const struct smb_op *op; /* NULL: STATUS_NOT_SUPPORTED */
	uint16_t structure_size; /* of the request */
	uint16_t fileid_off; /* from the SMB2 header; 0: none */
	unsigned int flags; /* enum smb_op_flags */
};

/* SMB2_COMMAND_COUNT rows; smbd/op/ops.c makes one, tests may make their own. */
struct smb_op_table {
	struct smb_op_row rows[SMB2_COMMAND_COUNT];
};

#endif
