/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes that wait for their client, as wire entries. Pure; belongs to the watch's worker. */
#include "smbd/notify/buf.h"

#include "node/base/utf.h"
#include "node/wire/rd.h"
#include "smbd/wire/change_notify.h"

#define ROOM_MIN 256
/* Header and alignment of an entry. */
#define ENTRY_EXTRA 16
#define ACTION_OFF 4
#define NAME_OFF 12

void ntf_buf_init(struct ntf_buf *b, uint32_t max, struct limit *limit)
{
	*b = (struct ntf_buf){ .max = max, .limit = limit, .last = SIZE_MAX };
}

static void drop(struct ntf_buf *b)
{
	free(b->data);
	charge_done(&b->charge);
	b->data = NULL;
	b->len = b->room = 0;
	b->last = SIZE_MAX;
}

void ntf_buf_done(struct ntf_buf *b)
{
	drop(b);
	b->lost = false;
}

bool ntf_buf_filled(const struct ntf_buf *b)
{
	return b->lost || b->len > 0;
}

void ntf_buf_lose(struct ntf_buf *b)
{
	drop(b);
	b->lost = true;
}

static bool make_room(struct ntf_buf *b, size_t n)
{
	size_t room = MAX(b->room, (size_t)ROOM_MIN);
	uint8_t *p;

	if (n <= b->room)
		return true;
	while (room < n)
		room *= 2;
	if (charge_take(&b->charge, b->limit, room - b->room) < 0)
		return false;
	p = realloc(b->data, room);
	if (!p) {
		charge_return(&b->charge, room - b->room);
		return false;
	}
	b->data = p;
	b->room = room;
	return true;
}

static bool said_last(const struct ntf_buf *b, uint32_t action, struct blob name)
{
	struct rd r;

	if (action != SMB2_ACTION_MODIFIED || b->last == SIZE_MAX)
		return false;
	r = rd_init(b->data + b->last + ACTION_OFF, sizeof(action));
	return rd_le32(&r) == action &&
	       blob_equal(name, BLOB(b->data + b->last + NAME_OFF, b->len - b->last - NAME_OFF));
}

static bool put(struct ntf_buf *b, uint32_t action, struct blob name)
{
	struct fscc_notify e = { .action = action, .name = name };
	struct fscc_notify_writer nw;
	struct wr w;
	int r;

	if (said_last(b, action, name))
		return true;
	if (!make_room(b, b->len + name.len + ENTRY_EXTRA))
		return false;
	w = wr_fixed(b->data, b->room);
	nw = fscc_notify_writer(&w, b->max);
	w.len = b->len;
	nw.last = b->last;
	r = fscc_notify_put(&nw, &e);
	if (r != 0 || !wr_ok(&w))
		return false;
	b->len = w.len;
	b->last = nw.last;
	return true;
}

void ntf_buf_add(struct ntf_buf *b, const struct ntf_change *changes, unsigned int n)
{
	_cleanup_arena_ struct arena a = { 0 };

	arena_init(&a, 0);
	for (unsigned int i = 0; i < n && !b->lost; i++) {
		struct blob name;
		int r = utf16_from_path(&a, changes[i].name, &name);

		if (r == -EILSEQ)
			continue;
		if (r < 0 || !put(b, changes[i].action, name))
			ntf_buf_lose(b);
	}
}

enum ntf_got ntf_buf_take(struct ntf_buf *b, size_t limit, struct wr *w)
{
	enum ntf_got got = NTF_ENUM_DIR;

	if (!ntf_buf_filled(b))
		return NTF_NOTHING;
	if (!b->lost && b->len <= limit && wr_ok(w)) {
		size_t mark = wr_mark(w);

		wr_bytes(w, b->data, b->len);
		if (wr_ok(w)) {
			got = NTF_CHANGES;
		} else {
			w->err = false;
			w->len = mark;
		}
	}
	drop(b);
	b->lost = false;
	return got;
}
