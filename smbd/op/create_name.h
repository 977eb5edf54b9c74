/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names as clients write them (MS-FSCC 2.1.5), as paths below the share. Pure; any thread. */
#ifndef HF_SMBD_OP_CREATE_NAME_H
#define HF_SMBD_OP_CREATE_NAME_H

#include "node/base/arena.h"
#include "smbd/wire/ntstatus.h"

struct create_name {
	char *path; /* UTF-8, '/' between components, "" for the root of the share */
	bool stream; /* names a stream that is not the file's data: `path` is the file */
	bool data_stream; /* ended in "::$DATA": no directory can be meant */
};

/* Parses a path in UTF-16LE. OBJECT_NAME_INVALID: an empty component, one that is longer than 255
 * characters or has characters that no name can have, a malformed stream; OBJECT_PATH_SYNTAX_BAD:
 * "." or ".." as a component; INVALID_PARAMETER: starts with a separator (MS-SMB2 3.3.5.9);
 * INSUFFICIENT_RESOURCES. */
struct ntstatus create_name_parse(struct arena *a, struct blob utf16, struct create_name *ret);

/* Whether a component that the disk has can be given to a client as its name. */
bool create_name_presentable(const char *name);
/* Whether a component is an 8.3 name by itself (MS-FSCC 2.1.5.2.1, in either case): its short name
 * is then the same. */
bool create_name_is_short(const char *name);

#endif
