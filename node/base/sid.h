/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Security identifiers (MS-DTYP 2.4.2). Their wire form is in node/wire/sid_wire.h. Any thread. */
#ifndef HF_NODE_BASE_SID_H
#define HF_NODE_BASE_SID_H

#include "node/base/util.h"

#define SID_MAX_SUB 15
/* The longest text of a SID with its NUL. */
#define SID_STR_SIZE 192

struct sid {
	uint8_t revision; /* always 1 */
	uint8_t sub_count; /* 0..15 */
	uint8_t authority[6]; /* big-endian */
	uint32_t sub[SID_MAX_SUB];
};

/* Whether revision and counts are such as sid_format and the wire codec accept. */
bool sid_valid(const struct sid *s);
bool sid_equal(const struct sid *a, const struct sid *b);
/* Writes "S-1-5-21-..." with NUL to `buf` and returns it (MS-DTYP 2.4.2.1; authorities of 2^32 and
 * above in hex). */
char *sid_format(const struct sid *s, char buf[static SID_STR_SIZE]);
/* Parses the text form. -EINVAL on anything else, numbers out of range included. */
int sid_parse(const char *text, struct sid *ret);
/* Makes `ret` = `domain` with one more sub-authority. -EOVERFLOW when `domain` is full. */
int sid_append(const struct sid *domain, uint32_t rid, struct sid *ret);
/* Number of bytes of the wire form. */
static inline size_t sid_wire_size(const struct sid *s) { return 8 + 4 * (size_t)s->sub_count; }

#endif
