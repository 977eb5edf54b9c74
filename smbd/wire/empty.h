/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bodies that say nothing: StructureSize 4 and two reserved bytes. LOGOFF
 * (MS-SMB2 2.2.7, 2.2.8), TREE_DISCONNECT (2.2.11, 2.2.12), CANCEL (2.2.30), ECHO (2.2.28, 2.2.29),
 * and the responses of FLUSH (2.2.18) and LOCK (2.2.27).
 */
#ifndef HF_SMBD_WIRE_EMPTY_H
#define HF_SMBD_WIRE_EMPTY_H

#include "smbd/wire/hdr.h"

int smb2_empty_decode(struct blob msg);
void smb2_empty_encode(struct wr *w);

#endif
