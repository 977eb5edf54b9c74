/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The response body that QUERY_DIRECTORY (MS-SMB2 2.2.34), CHANGE_NOTIFY (2.2.36) and QUERY_INFO
 * (2.2.38) share: StructureSize 9, and one buffer. Conventions: hdr.h.
 */
#ifndef HF_SMBD_WIRE_OUTBUF_H
#define HF_SMBD_WIRE_OUTBUF_H

#include "smbd/wire/hdr.h"

int smb2_outbuf_decode(struct blob msg, struct blob *ret_buffer);
void smb2_outbuf_encode(struct wr *w, size_t hdr, struct blob buffer);
/* Writes the fixed part and returns the mark where the buffer starts: the caller appends it in
 * place and then calls smb2_outbuf_finish() with that mark, or sets `w->len` back to forget it. */
size_t smb2_outbuf_begin(struct wr *w, size_t hdr);
void smb2_outbuf_finish(struct wr *w, size_t buffer);

#endif
