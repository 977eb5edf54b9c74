/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a watch has collected since its client asked last (MS-FSA 2.1.1.8, NotifyEventList): entries
 * as they go onto the wire (MS-FSCC 2.7.1), within the bytes that the first request gave it. Pure;
 * belongs to the watch's worker.
 */
#ifndef HF_SMBD_NOTIFY_BUF_H
#define HF_SMBD_NOTIFY_BUF_H

#include "node/base/limit.h"
#include "node/wire/wr.h"

/* One change, named relative to a directory. */
struct ntf_change {
	uint32_t action; /* SMB2_ACTION_* */
	const char *name; /* UTF-8, '/' between components; borrowed */
};

struct ntf_buf {
	uint8_t *data; /* malloc */
	size_t len, room;
	size_t last; /* offset of the last entry; SIZE_MAX: there is none */
	uint32_t max; /* bytes of entries that it holds at most */
	bool lost; /* something happened that is not in here */
	struct charge charge; /* of `room` bytes */
	struct limit *limit;
};

/* Makes an empty buffer for at most `max` bytes, charged to `limit`. */
void ntf_buf_init(struct ntf_buf *b, uint32_t max, struct limit *limit);
void ntf_buf_done(struct ntf_buf *b);
/* Whether there is something to tell. */
bool ntf_buf_filled(const struct ntf_buf *b);
/* Appends changes that belong together: all, or none and everything is lost. One that says again
 * what the last entry says of a modified file, and names that no client can see, are left out. */
void ntf_buf_add(struct ntf_buf *b, const struct ntf_change *changes, unsigned int n);
/* Something was missed: drops what is in it. */
void ntf_buf_lose(struct ntf_buf *b);

enum ntf_got {
	NTF_NOTHING = 0,
	NTF_CHANGES, /* written: STATUS_SUCCESS */
	NTF_ENUM_DIR, /* more happened than can be told: STATUS_NOTIFY_ENUM_DIR */
};
/* Empties it. Entries go to `w` when all of them take at most `limit` bytes, and `w` has the room. */
enum ntf_got ntf_buf_take(struct ntf_buf *b, size_t limit, struct wr *w);

#endif
