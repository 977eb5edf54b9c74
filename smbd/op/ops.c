/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one table of commands, made from smbd/proto/ops.def. Constant. */
#include "smbd/op/ops.h"

const struct smb_op_table smb_ops = {
	.rows = {
#define SMB2_OP(command, opname, size, fileid, opflags) \
	[SMB2_##command] = { .name = #opname, .op = &op_##opname, .structure_size = (size), \
			     .fileid_off = (fileid), .flags = (opflags) },
#define SMB2_OP_NONE(command, opname, size, fileid, opflags) \
	[SMB2_##command] = { .name = #opname, .structure_size = (size), .fileid_off = (fileid), \
			     .flags = (opflags) },
#include "smbd/proto/ops.def"
	},
};
