/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the codecs of this folder share: (offset, length) pairs, lists of 16-bit numbers, linked
 * lists of entries. */
#ifndef HF_SMBD_WIRE_WIRE_PRIV_H
#define HF_SMBD_WIRE_WIRE_PRIV_H

#include "smbd/wire/hdr.h"

struct smb2_ids;

/* Reads `n` 16-bit numbers into the arena. -EBADMSG, -ENOMEM. */
int smb2_ids_read(struct arena *a, struct rd *r, size_t n, struct smb2_ids *ret);
void smb2_ids_write(struct wr *w, const struct smb2_ids *ids);

struct smb2_fileid smb2_rd_fileid(struct rd *r);
void smb2_wr_fileid(struct wr *w, struct smb2_fileid f);

/* Appends `b` at the current position and patches its 16-bit offset and 16-bit length at `mark`. Of
 * an empty blob the offset still says where it would be, as Windows has it. */
void smb2_put_buf16(struct wr *w, size_t hdr, size_t mark, struct blob b);
/* The same with a 32-bit offset and a 32-bit length; an empty blob leaves both zero. */
void smb2_put_buf32(struct wr *w, size_t hdr, size_t mark, struct blob b);
/* A request whose StructureSize is odd has at least one byte of buffer: adds it when nothing was
 * written since `body_end`. */
void smb2_pad_request(struct wr *w, size_t body_end);

/* Entry lists linked by a 32-bit NextEntryOffset in front (MS-FSCC 2.4). Takes the next entry off:
 * 1 with `*ret_entry` as a fenced child behind its NextEntryOffset; 0 at the end; -EBADMSG when the
 * offset is not a multiple of `align`, is shorter than `min` or points past the end. */
int smb2_entry_next(struct rd *r, size_t align, size_t min, struct rd *ret_entry);
/* Starts an entry: aligns to `align` from `start`, links the entry at `*last` (SIZE_MAX: none) to
 * it, writes its zero NextEntryOffset and sets `*last`. */
void smb2_entry_begin(struct wr *w, size_t start, size_t align, size_t *last);

#endif
