/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Access masks: what is asked for, and what POSIX permissions allow of it. Pure; any thread. */
#ifndef HF_SMBD_OP_ACCESS_H
#define HF_SMBD_OP_ACCESS_H

#include "smbd/wire/smb2.h"

/* Bits that mean nothing, or only something elsewhere: STATUS_ACCESS_DENIED (MS-FSA 2.1.5.1). */
#define ACCESS_INVALID 0x0ce0fe00u
/* Opens with nothing but these neither share nor deny (MS-FSA 2.1.5.1.2.2). */
#define ACCESS_ATTRIBUTES_ONLY \
	(SMB2_FILE_READ_ATTRIBUTES | SMB2_FILE_WRITE_ATTRIBUTES | SMB2_SYNCHRONIZE)

/* The rights of a file that a user has, as the system says. */
struct access_facts {
	bool directory;
	bool read, write; /* permission bits, or whatever the file system goes by */
	bool owner; /* the user owns it */
	bool may_delete; /* the name may be removed from its directory */
};

/* Replaces the generic rights by the specific ones (MS-SMB2 2.2.13.1); MAXIMUM_ALLOWED stays. */
uint32_t access_map_generic(uint32_t access);
/* Everything that may be granted. */
uint32_t access_maximal(const struct access_facts *f);

#endif
