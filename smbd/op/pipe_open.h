/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading and writing of an open named pipe. Home worker's thread. */
#ifndef HF_SMBD_OP_PIPE_OPEN_H
#define HF_SMBD_OP_PIPE_OPEN_H

#include "smbd/proto/req.h"

/* [task] Takes up to `n` bytes of the next message, waiting for one. OK; BUFFER_OVERFLOW: the
 * message has more; errors. */
struct ntstatus pipe_open_read(struct smb_req *req, void *buf, size_t n, size_t *ret_n);
struct ntstatus pipe_open_write(struct smb_req *req, struct blob data);

#endif
