/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests of a test's client. */
#include "tests/unit/smbd-proto/peer.h"

#include "smbd/wire/empty.h"

static void encode(struct wr *w, size_t hdr, const void *req)
{
	smb2_empty_encode(w);
}

struct ntstatus peer_ask(struct peer *p, uint16_t command, uint32_t tree,
			 const struct msg_lies *lies)
{
	struct msg_head h = { .command = command, .sess = p->s, .tree_id = tree, .lies = lies };
	struct call call = { .command = 0 };
	struct ntstatus st = NT_STATUS_UNSUCCESSFUL;

	if (msg_call(p->c, &h, encode, NULL, &call) == 0)
		st = call.hdr.status;
	call_done(&call);
	return st;
}
