/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Previous versions on the wire: the @GMT token (MS-SMB2 1.1) and the output of FSCTL_SRV_ENUMERATE_SNAPSHOTS (2.2.32.2). Times are
 * seconds since 1970, UTC. Pure; any thread.
 */
#ifndef HF_SMBD_WIRE_SNAPSHOTS_H
#define HF_SMBD_WIRE_SNAPSHOTS_H

#include "node/base/arena.h"
#include "node/wire/rd.h"
#include "node/wire/wr.h"

#define GMT_TOKEN_LEN 24 /* "@GMT-YYYY.MM.DD-HH.MM.SS" */
/* What an array of none needs; a smaller MaxOutputResponse is STATUS_INVALID_PARAMETER (3.3.5.15.1). */
#define SNAPSHOTS_MIN_LEN 16

/* False: the year is not within 1601 (where FILETIME begins) to 9999. */
bool gmt_token_format(int64_t time, char out[static GMT_TOKEN_LEN + 1]);
/* Reads a token of exactly that form, that is a date and time of the calendar. -EINVAL. */
int gmt_token_parse(const char *s, int64_t *ret);

struct snapshots {
	uint32_t n;          /* that there are */
	uint32_t n_returned; /* all of them, or 0: they do not fit, or there are none */
	uint32_t size;       /* bytes of the array, returned or not */
	int64_t *times;      /* n_returned; in the arena */
};

/* Appends the array, or only its size when it is longer than `max` bytes (MaxOutputResponse, at least SNAPSHOTS_MIN_LEN). All
 * times must be ones that gmt_token_format() takes; at most 2^26 of them. */
void snapshots_encode(struct wr *w, const int64_t *times, size_t n, size_t max);
/* -EBADMSG, -ENOMEM. */
int snapshots_decode(struct arena *a, struct blob out, struct snapshots *ret);

#endif
