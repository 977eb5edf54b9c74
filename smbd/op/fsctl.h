/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IOCTL on opens, by what is behind them (MS-SMB2 3.3.5.15). Home worker's thread. */
#ifndef HF_SMBD_OP_FSCTL_H
#define HF_SMBD_OP_FSCTL_H

#include "smbd/proto/req.h"
#include "smbd/wire/ioctl.h"

struct ntstatus file_ioctl(struct smb_req *req, const struct smb2_ioctl_req *in,
			   struct blob *ret_out);
struct ntstatus pipe_ioctl(struct smb_req *req, const struct smb2_ioctl_req *in,
			   struct blob *ret_out);
/* FSCTL_PIPE_WAIT, which comes without a FileId: whether there is such a pipe (3.3.5.15.13). */
struct ntstatus pipe_wait(struct smb_req *req, const struct smb2_ioctl_req *in, struct wr *out);

#endif
