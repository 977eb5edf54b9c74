/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GUIDs, kept as the 16 bytes that go over the wire. Any thread. */
#ifndef HF_NODE_BASE_GUID_H
#define HF_NODE_BASE_GUID_H

#include "node/base/util.h"

/* Bytes in wire order: Data1, Data2, Data3 little-endian, then Data4 (MS-DTYP 2.3.4.2). */
struct guid {
	uint8_t b[16];
};

/* Characters of "6ba7b810-9dad-11d1-80b4-00c04fd430c8" and its NUL. */
#define GUID_STR_SIZE 37

/* Returns a random version 4 GUID. */
struct guid guid_random(void);
/* Whether all bytes are zero. */
bool guid_is_zero(const struct guid *g);
bool guid_equal(const struct guid *a, const struct guid *b);
/* Total order of the bytes: <0, 0, >0. */
int guid_compare(const struct guid *a, const struct guid *b);
/* Writes 36 lower-case characters and a NUL to `buf` and returns it. */
char *guid_format(const struct guid *g, char buf[static GUID_STR_SIZE]);
/* Parses exactly 36 characters (either case, without braces). -EINVAL on anything else. */
int guid_parse(const char *s, struct guid *ret);

#endif
