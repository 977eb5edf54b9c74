/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The environment does not change while the process runs, so it is read anew each time. No state: any thread. */
#include "node/base/fault.h"

#ifdef HF_FAULT_POINTS
#include <stdlib.h>
#include <string.h>

bool fault(const char *name)
{
	const char *p = getenv("HF_FAULT");
	size_t n = strlen(name), len;

	for (; p; p = p[len] ? p + len + 1 : NULL) {
		len = strcspn(p, ",");
		if (len == n && memcmp(p, name, n) == 0)
			return true;
	}
	return false;
}
#endif
