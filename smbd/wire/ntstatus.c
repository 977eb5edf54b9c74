/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of NTSTATUS values, and what an errno is to a client. */
#include "smbd/wire/ntstatus.h"

#include <stdio.h>
#include <strings.h>

static const struct {
	const char *name;
	uint32_t value;
} names[] = {
#define NTSTATUS(name, value) { "STATUS_" #name, value },
#include "smbd/wire/ntstatus.def"
#undef NTSTATUS
};

const char *ntstatus_name(struct ntstatus s)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].value == s.v)
			return names[i].name;
	return NULL;
}

const char *ntstatus_str(struct ntstatus s, char buf[11])
{
	const char *name = ntstatus_name(s);

	if (name)
		return name;
	snprintf(buf, 11, "0x%08X", (unsigned)s.v);
	return buf;
}

int ntstatus_parse(const char *name, struct ntstatus *ret)
{
	if (strncasecmp(name, "NT_", 3) == 0)
		name += 3;
	if (strncasecmp(name, "STATUS_", 7) == 0)
		name += 7;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcasecmp(names[i].name + 7, name) == 0) {
			ret->v = names[i].value;
			return 0;
		}
	}
	return -ENOENT;
}

static const struct {
	int err;
	uint32_t value;
} errnos[] = {
	{ 0, NTSTATUS_OK },
	{ EPERM, NTSTATUS_ACCESS_DENIED },
	{ EACCES, NTSTATUS_ACCESS_DENIED },
	{ ENOENT, NTSTATUS_OBJECT_NAME_NOT_FOUND },
	{ ESTALE, NTSTATUS_OBJECT_NAME_NOT_FOUND },
	{ EIDRM, NTSTATUS_FILE_INVALID },
	{ EEXIST, NTSTATUS_OBJECT_NAME_COLLISION },
	{ ENOTDIR, NTSTATUS_NOT_A_DIRECTORY },
	{ EISDIR, NTSTATUS_FILE_IS_A_DIRECTORY },
	{ ENOTEMPTY, NTSTATUS_DIRECTORY_NOT_EMPTY },
	{ ENAMETOOLONG, NTSTATUS_NAME_TOO_LONG },
	{ EILSEQ, NTSTATUS_OBJECT_NAME_INVALID },
	{ ELOOP, NTSTATUS_ACCESS_DENIED },
	{ EXDEV, NTSTATUS_NOT_SAME_DEVICE },
	{ EMLINK, NTSTATUS_TOO_MANY_LINKS },
	{ EROFS, NTSTATUS_MEDIA_WRITE_PROTECTED },
	{ ENOSPC, NTSTATUS_DISK_FULL },
	{ EFBIG, NTSTATUS_DISK_FULL },
	{ EDQUOT, NTSTATUS_DISK_FULL }, /* as Windows: programs know no other */
	{ EBADF, NTSTATUS_INVALID_HANDLE },
	{ EINVAL, NTSTATUS_INVALID_PARAMETER },
	{ EBADMSG, NTSTATUS_INVALID_PARAMETER },
	{ ENOBUFS, NTSTATUS_BUFFER_TOO_SMALL },
	{ ERANGE, NTSTATUS_BUFFER_TOO_SMALL },
	{ E2BIG, NTSTATUS_EA_TOO_LARGE },
	{ ENODATA, NTSTATUS_NONEXISTENT_EA_ENTRY },
	{ ENOMEM, NTSTATUS_INSUFFICIENT_RESOURCES },
	{ EMFILE, NTSTATUS_TOO_MANY_OPENED_FILES },
	{ ENFILE, NTSTATUS_TOO_MANY_OPENED_FILES },
	{ EAGAIN, NTSTATUS_INSUFFICIENT_RESOURCES },
	{ EBUSY, NTSTATUS_SHARING_VIOLATION },
	{ ETXTBSY, NTSTATUS_SHARING_VIOLATION },
	{ ECANCELED, NTSTATUS_CANCELLED },
	{ EINTR, NTSTATUS_CANCELLED },
	{ ETIMEDOUT, NTSTATUS_IO_TIMEOUT },
	{ EIO, NTSTATUS_IO_DEVICE_ERROR },
	{ ENXIO, NTSTATUS_NO_SUCH_DEVICE },
	{ ENODEV, NTSTATUS_NO_SUCH_DEVICE },
	{ EOPNOTSUPP, NTSTATUS_NOT_SUPPORTED },
	{ ENOSYS, NTSTATUS_NOT_SUPPORTED },
	{ EPIPE, NTSTATUS_PIPE_DISCONNECTED },
	{ ESHUTDOWN, NTSTATUS_VOLUME_DISMOUNTED },
};

struct ntstatus ntstatus_from_errno(int err)
{
	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++)
		if (errnos[i].err == -err)
			return (struct ntstatus){ errnos[i].value };
	return NT_STATUS_UNSUCCESSFUL;
}
