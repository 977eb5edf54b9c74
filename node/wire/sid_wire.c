/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SIDs and GUIDs on the cursors. No state: any thread. */
#include "node/wire/sid_wire.h"

struct sid rd_sid(struct rd *r)
{
	struct sid s = { 0 };

	s.revision = rd_u8(r);
	s.sub_count = rd_u8(r);
	rd_copy(r, s.authority, sizeof(s.authority));
	if (!sid_valid(&s))
		rd_fail(r);
	for (int i = 0; rd_ok(r) && i < s.sub_count; i++)
		s.sub[i] = rd_le32(r);
	return rd_ok(r) ? s : (struct sid){ 0 };
}

void wr_sid(struct wr *w, const struct sid *s)
{
	if (!sid_valid(s)) {
		wr_fail(w);
		return;
	}
	wr_u8(w, s->revision);
	wr_u8(w, s->sub_count);
	wr_bytes(w, s->authority, sizeof(s->authority));
	for (int i = 0; i < s->sub_count; i++)
		wr_le32(w, s->sub[i]);
}

struct guid rd_guid(struct rd *r)
{
	struct guid g;

	rd_copy(r, g.b, sizeof(g.b));
	return g;
}

void wr_guid(struct wr *w, const struct guid *g)
{
	wr_bytes(w, g->b, sizeof(g->b));
}
