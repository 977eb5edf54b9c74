/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cluster's settings as a schema, made of tunables.def. No state: any thread. */
#include "node/conf/tunables.h"

#include "node/conf/conf_priv.h"

static const char *const tunables_dialect_names[] = {
	"2.0.2", "2.1", "3.0", "3.0.2", "3.1.1", NULL
};

#define ROW(key, kind, field, ...) \
	{ .name = key, .type = kind, .offset = offsetof(struct tunables, field), __VA_ARGS__ },

static const struct conf_row tunables_rows[] = {
#define TUNABLE_INT(n, d, lo, hi, u, sc, p) \
	ROW(#n, CONF_INT, n, .def = d, .min = lo, .max = hi, .unit = u, .scope = sc, .prose = p)
#define TUNABLE_SIZE(n, d, lo, hi, sc, p)                                                   \
	ROW(#n, CONF_SIZE, n, .def = d, .min = lo, .max = hi, .unit = "bytes", .scope = sc, \
	    .prose = p)
#define TUNABLE_DURATION(n, d, lo, hi, sc, p)                                                  \
	ROW(#n, CONF_DURATION, n##_ms, .def = d, .min = lo, .max = hi, .unit = "milliseconds", \
	    .scope = sc, .prose = p)
#define TUNABLE_BOOL(n, d, sc, p) ROW(#n, CONF_BOOL, n, .def = d, .scope = sc, .prose = p)
#define TUNABLE_ENUM(n, d, v, sc, p) \
	ROW(#n, CONF_ENUM, n, .def = d, .values = v, .scope = sc, .prose = p)
#include "node/conf/tunables.def"
};

const struct conf_schema tunables_schema = {
	.name = "cluster settings",
	.rows = tunables_rows,
	.count = ARRAY_SIZE(tunables_rows),
	.size = sizeof(struct tunables),
};

void tunables_init(struct tunables *t)
{
	int r = conf_init(&tunables_schema, t);

	assert(r == 0); /* no row takes memory */
	(void)r;
}

int tunables_check(const struct tunables *t, struct conf_error *err)
{
	if (t->smb_min_dialect > t->smb_max_dialect)
		return conf_fail(err, NULL, "smb_min_dialect",
				 "%s is newer than smb_max_dialect %s",
				 tunables_dialect_names[t->smb_min_dialect],
				 tunables_dialect_names[t->smb_max_dialect]);
	if (t->persistent_timeout_ms > t->persistent_timeout_max_ms)
		return conf_fail(err, NULL, "persistent_timeout",
				 "it is longer than persistent_timeout_max");
	if (t->encryption_required && t->smb_max_dialect < TUNABLES_SMB_300)
		return conf_fail(err, NULL, "encryption_required",
				 "it needs smb_max_dialect 3.0 or newer");
	return 0;
}

uint16_t tunables_dialect(int index)
{
	static const uint16_t numbers[] = { 0x0202, 0x0210, 0x0300, 0x0302, 0x0311 };

	assert(index >= 0 && (size_t)index < ARRAY_SIZE(numbers));
	return numbers[index];
}
