/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole exchanges of a client that sends anything: tokens, each behind its 16-bit length. Nobody
 * gets in. */
#include "node/auth/auth.h"
#include "node/log/log.h"
#include "node/wire/rd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int lookup(void *ctx, const char *domain, const char *user, struct auth_user *ret)
{
	if (strcmp(user, "alice") != 0)
		return 1;
	*ret = (struct auth_user){
		.name = strdup(user), .has_nt_hash = true, .nt_hash = { 1, 2, 3, 4 }, .uid = 1000
	};
	return 0;
}

static struct auth_server *get_server(void)
{
	static const struct auth_config conf = { .netbios_name = "NODE1",
						 .dns_name = "node1.example",
						 .lookup = lookup };
	static struct auth_server *server;

	if (!server && auth_server_new(&conf, &server) < 0)
		abort();
	log_set_level(LOG_LEVEL_ERR);
	return server;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_(cleanup_auth) struct auth_context *c = NULL;
	struct rd r = rd_init(data, size);
	struct blob out;
	int step = 1;

	arena_init(&a, 0);
	if (auth_new(get_server(), &c) < 0)
		return 0;
	while (step == 1 && rd_left(&r) >= 2) {
		struct blob token = rd_blob(&r, rd_le16(&r));

		if (!rd_ok(&r))
			break;
		step = auth_step(c, token, &a, &out);
	}
	if (step == 0)
		abort();
	return 0;
}
