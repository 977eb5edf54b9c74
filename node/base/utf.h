/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text: strict UTF-8 and UTF-16LE, simple case folding and upper-casing of all of Unicode (statuses
 * C and S of CaseFolding.txt, field 12 of UnicodeData.txt; tables generated at build time). Any
 * thread.
 */
#ifndef HF_NODE_BASE_UTF_H
#define HF_NODE_BASE_UTF_H

#include "node/base/arena.h"

/* Whether the `n` bytes are well-formed UTF-8: shortest form, no surrogates, at most U+10FFFF. NUL
 * bytes are valid. */
bool utf8_valid(const char *s, size_t n);
/* Number of UTF-16 code units that valid UTF-8 `s` of `n` bytes takes; -EILSEQ when it is not
 * valid. */
ssize_t utf16_units(const char *s, size_t n);

/* Converts UTF-16LE to a NUL-terminated UTF-8 string in the arena. -EILSEQ: odd length, an unpaired
 * surrogate or U+0000 (which a C string cannot carry); -ENOMEM. */
int utf8_from_utf16(struct arena *a, struct blob utf16, char **ret);
/* Converts `n` bytes of UTF-8 to UTF-16LE in the arena, without terminator. -EILSEQ, -ENOMEM. */
int utf16_from_utf8_n(struct arena *a, const char *s, size_t n, struct blob *ret);
/* The same for a C string. */
int utf16_from_utf8(struct arena *a, const char *s, struct blob *ret);

/* Simple case folding of one code point; itself when it has none. */
uint32_t fold_codepoint(uint32_t c);
/* Simple upper-case mapping of one code point; itself when it has none. */
uint32_t upcase_codepoint(uint32_t c);

/* Folds a string into the arena; the length may change. -EILSEQ, -ENOMEM. */
int utf8_casefold(struct arena *a, const char *s, char **ret);
/* Upper-cases a string into the arena. -EILSEQ, -ENOMEM. */
int utf8_upper(struct arena *a, const char *s, char **ret);
/* Compares without regard to case, by folded code points: <0, 0, >0. A byte that is not valid UTF-8
 * equals only the same byte, and sorts behind every character, so that any two names of a disk can
 * be ordered. */
int utf8_casecmp(const char *a, const char *b);
/* The same as a hash: equal under utf8_casecmp means equal here. */
uint64_t utf8_casehash(const char *s, uint64_t seed);

/* Folds, or upper-cases, `bytes` bytes of UTF-16LE where they are. No alignment is needed;
 * surrogates without their partner and an odd last byte stay as they are. */
void utf16_casefold(void *utf16, size_t bytes);
void utf16_upper(void *utf16, size_t bytes);

/* Converts a path to UTF-16LE as it goes onto the wire: with '\\' for '/'. -EILSEQ, -ENOMEM. */
int utf16_from_path(struct arena *a, const char *path, struct blob *ret);
/* Length of what stands before the last '/' of a path of `n` bytes: its directory; 0 when there is none. */
size_t utf8_dir_len(const char *path, size_t n);

/* Decodes one code point at `*pos` (< n) and moves `*pos` behind it. -EILSEQ leaves `*pos` alone.
 */
int32_t utf8_next(const char *s, size_t n, size_t *pos);
/* Writes the UTF-8 form of `c` (a valid scalar value) and returns its length, 1 to 4. */
size_t utf8_put(char out[static 4], uint32_t c);

#endif
