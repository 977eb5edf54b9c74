/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Share modes. Pure; any thread. */
#include "smbd/lock/share.h"

/* MS-SMB2 2.2.13.1.1 */
#define READ_DATA 0x1u
#define WRITE_DATA 0x2u
#define APPEND_DATA 0x4u
#define EXECUTE 0x20u
#define DELETE 0x10000u

unsigned int share_uses(uint32_t access)
{
	unsigned int u = 0;

	if (access & (READ_DATA | EXECUTE))
		u |= SHARE_READ;
	if (access & (WRITE_DATA | APPEND_DATA))
		u |= SHARE_WRITE;
	if (access & DELETE)
		u |= SHARE_DELETE;
	return u;
}

bool share_conflict(uint32_t access_a, uint32_t share_a, uint32_t access_b, uint32_t share_b)
{
	unsigned int a = share_uses(access_a), b = share_uses(access_b);

	/* An open that touches attributes only neither denies nor is denied. */
	if (a == 0 || b == 0)
		return false;
	return (a & ~share_b) || (b & ~share_a);
}
