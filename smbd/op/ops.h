/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The handlers of all commands, and the table that the dispatcher walks. */
#ifndef HF_SMBD_OP_OPS_H
#define HF_SMBD_OP_OPS_H

#include "smbd/proto/op.h"

#define SMB2_OP(command, name, size, fileid, flags) extern const struct smb_op op_##name;
#include "smbd/proto/ops.def"

extern const struct smb_op_table smb_ops;

#endif
