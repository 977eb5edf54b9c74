/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of the configuration in the store. What is accepted must come back equal from its own encoding. */
#include "node/conf/resource.h"
#include "node/conf/tunables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(const struct resource_type *t, struct blob b)
{
	union {
		struct share_conf share;
		struct user_conf user;
		struct tunables tunables;
	} obj, again;
	_cleanup_arena_ struct arena a = { 0 };
	struct conf_error err;
	struct blob first, second;
	const char *name;

	if (resource_decode(t, b, &obj, &a, &name, &err) < 0)
		return;
	if (resource_check_name(t, name, &err) == 0 && resource_encode(t, name, &obj, &a, &first) == 0) {
		if (resource_decode(t, first, &again, &a, &name, &err) < 0 ||
		    resource_encode(t, name, &again, &a, &second) < 0 || !blob_equal(first, second))
			abort();
		conf_done(t->schema, &again);
	}
	conf_done(t->schema, &obj);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	one(&resource_share, BLOB(data, size));
	one(&resource_user, BLOB(data, size));
	one(&resource_tunables, BLOB(data, size));
	return 0;
}
