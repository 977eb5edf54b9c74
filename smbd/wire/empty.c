/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bodies that say nothing. */
#include "smbd/wire/empty.h"

#define SIZE 4

int smb2_empty_decode(struct blob msg)
{
	struct rd r = smb2_body(msg, SIZE);

	rd_skip(&r, 2);
	return rd_end(&r);
}

void smb2_empty_encode(struct wr *w)
{
	wr_le16(w, SIZE);
	wr_le16(w, 0);
}
