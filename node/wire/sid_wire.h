/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wire form of SIDs and GUIDs (MS-DTYP 2.4.2.2 and 2.3.4.2) on the checked cursors. Any thread.
 */
#ifndef HF_NODE_WIRE_SID_WIRE_H
#define HF_NODE_WIRE_SID_WIRE_H

#include "node/base/guid.h"
#include "node/base/sid.h"
#include "node/wire/rd.h"
#include "node/wire/wr.h"

/* Reads a SID. A revision other than 1 or more than 15 sub-authorities fail the cursor; a zero SID
 * is returned then. */
struct sid rd_sid(struct rd *r);
/* Writes a SID; one that is not sid_valid() fails the cursor. */
void wr_sid(struct wr *w, const struct sid *s);
/* Reads 16 bytes; the zero GUID on failure. */
struct guid rd_guid(struct rd *r);
/* Writes 16 bytes. */
void wr_guid(struct wr *w, const struct guid *g);

#endif
