/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NTSTATUS as a type of its own, so that it never mixes with an errno. NT_STATUS_NAME is the value;
 * NTSTATUS_NAME is the same number as an integer constant, for case labels and tables.
 */
#ifndef HF_SMBD_WIRE_NTSTATUS_H
#define HF_SMBD_WIRE_NTSTATUS_H

#include "node/base/util.h"

struct ntstatus {
	uint32_t v;
};

enum ntstatus_value {
#define NTSTATUS(name, value) NTSTATUS_##name = value,
#include "smbd/wire/ntstatus.def"
#undef NTSTATUS
};

#define NTSTATUS(name, value) \
	static const struct ntstatus NT_STATUS_##name __attribute__((unused)) = { value };
#include "smbd/wire/ntstatus.def"
#undef NTSTATUS

/* A static initialiser for tables: NTSTATUS_INIT(ACCESS_DENIED). */
#define NTSTATUS_INIT(name)     \
	{                       \
		NTSTATUS_##name \
	}

static inline bool ntstatus_eq(struct ntstatus a, struct ntstatus b)
{
	return a.v == b.v;
}
static inline bool ntstatus_is_ok(struct ntstatus s)
{
	return s.v == 0;
}
/* Severity "error": the response is an ERROR response (MS-SMB2 3.3.4.4 lists the exceptions). */
static inline bool ntstatus_is_error(struct ntstatus s)
{
	return s.v >> 30 == 3;
}

/* "STATUS_ACCESS_DENIED", or NULL for a status that is not in ntstatus.def. Static storage. */
const char *ntstatus_name(struct ntstatus s);
/* Like ntstatus_name, but for log lines: writes "0xC0001234" into `buf` when there is no name. */
const char *ntstatus_str(struct ntstatus s, char buf[11]);
/* Finds a status by name, with or without "STATUS_" or "NT_STATUS_" before it. -ENOENT when
 * unknown. */
int ntstatus_parse(const char *name, struct ntstatus *ret);
/* Maps a negative errno of a file operation to the status that a client understands; 0 maps to OK,
 * an errno without a better answer to UNSUCCESSFUL. -EBADMSG (malformed input) is
 * INVALID_PARAMETER. */
struct ntstatus ntstatus_from_errno(int err);

#endif
