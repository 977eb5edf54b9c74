/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See aside.h. */
#include "statestore/aside.h"

#include "statestore/record.h"

int aside_move(struct store *s, uint32_t slot, uint64_t epoch, struct blob key)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t to[STORE_KEY_MAX + 1];
	struct store_mut m[2];
	struct blob val;
	int e;

	if (key.len == 0 || key.len >= STORE_KEY_MAX)
		return -EINVAL;
	e = store_get(s, slot, key, &a, &val);
	if (e < 0)
		return e;
	to[0] = REC_ASIDE_PREFIX;
	memcpy(to + 1, key.data, key.len);
	m[0] = (struct store_mut){ BLOB(to, key.len + 1), val.data ? val : BLOB("", 0) };
	m[1] = (struct store_mut){ key, BLOB(NULL, 0) };
	return store_write(s, slot, epoch, m, 2);
}
