/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Search patterns of QUERY_DIRECTORY (MS-FSA 2.1.4.4). Pure; any thread. */
#ifndef HF_SMBD_OP_PATTERN_H
#define HF_SMBD_OP_PATTERN_H

#include "node/base/arena.h"

struct pattern; /* folded once, matched often; lives in its arena or, by pattern_new(), on its own
		 */

/* Makes a pattern of UTF-16LE; empty: everything. Freed with free(). -EILSEQ: not UTF-16; -EINVAL:
 * a character that neither a pattern nor a name can have; -ENOMEM. */
int pattern_new(struct blob utf16, struct pattern **ret);
/* Whether it is matched by every name. */
bool pattern_is_all(const struct pattern *p);
/* The one name that it can match but for its case, as the client wrote it (UTF-8); NULL: it has
 * wildcards. */
const char *pattern_literal(const struct pattern *p);
/* Whether a name (UTF-8, valid) matches, without regard to case. Time is at most the product of
 * both lengths. */
bool pattern_match(const struct pattern *p, const char *name);

#endif
