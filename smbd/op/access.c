/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Access masks. Pure; any thread. */
#include "smbd/op/access.h"

uint32_t access_map_generic(uint32_t access)
{
	static const struct {
		uint32_t generic, specific;
	} map[] = {
		{ SMB2_GENERIC_READ, SMB2_FILE_GENERIC_READ },
		{ SMB2_GENERIC_WRITE, SMB2_FILE_GENERIC_WRITE },
		{ SMB2_GENERIC_EXECUTE, SMB2_FILE_GENERIC_EXECUTE },
		{ SMB2_GENERIC_ALL, SMB2_FILE_ALL_ACCESS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
		if (access & map[i].generic)
			access = (access & ~map[i].generic) | map[i].specific;
	}
	return access;
}

uint32_t access_maximal(const struct access_facts *f)
{
	/* whoever can reach a file can see its attributes and its mode */
	uint32_t a = SMB2_FILE_READ_ATTRIBUTES | SMB2_READ_CONTROL | SMB2_SYNCHRONIZE;

	if (f->directory)
		a |= SMB2_FILE_EXECUTE; /* traversal: the system checks it at each step */
	if (f->read)
		a |= SMB2_FILE_READ_DATA | SMB2_FILE_READ_EA | SMB2_FILE_EXECUTE;
	if (f->write)
		a |= SMB2_FILE_WRITE_DATA | SMB2_FILE_APPEND_DATA | SMB2_FILE_WRITE_EA |
		     SMB2_FILE_WRITE_ATTRIBUTES |
		     SMB2_FILE_DELETE_CHILD; /* of files too: FILE_ALL_ACCESS has it */
	if (f->owner)
		a |= SMB2_FILE_WRITE_ATTRIBUTES | SMB2_WRITE_DAC | SMB2_WRITE_OWNER;
	if (f->may_delete)
		a |= SMB2_DELETE;
	return a;
}
