/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The URL of a store in RADOS, and keys in hex. */
#include "tests/unit/test.h"

#include "statestore/rstore_priv.h"

static void refused(const char *rest)
{
	struct rstore_url u = { 0 };
	char err[512] = "";

	assert_int_equal(rstore_url_parse(rest, &u, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "write rados:POOL"));
	assert_null(u.pool);
}

static void test_parts(void **state)
{
	struct rstore_url u = { 0 };
	char err[512];

	assert_int_equal(rstore_url_parse("pool", &u, err, sizeof(err)), 0);
	assert_string_equal(u.pool, "pool");
	assert_true(!u.ns && !u.conf && !u.id && !u.keyring);
	rstore_url_done(&u);
	assert_int_equal(rstore_url_parse("p%2fq/n s?keyring=/k&id=hf&conf=/etc/ceph/a%26b.conf", &u, err, sizeof(err)), 0);
	assert_string_equal(u.pool, "p/q");
	assert_string_equal(u.ns, "n s");
	assert_string_equal(u.keyring, "/k");
	assert_string_equal(u.id, "hf");
	assert_string_equal(u.conf, "/etc/ceph/a&b.conf");
	rstore_url_done(&u);
	assert_int_equal(rstore_url_parse("p?id=a&id=b", &u, err, sizeof(err)), 0);
	assert_string_equal(u.id, "b");
	rstore_url_done(&u);
}

static void test_refused(void **state)
{
	refused("");
	refused("/ns");
	refused("?id=x");
	refused("p/");
	refused("p?");
	refused("p?id=");
	refused("p?user=x");
	refused("p?id=x&");
	refused("p%0");
	refused("p%zz");
	refused("p%00");
}

static void test_hex(void **state)
{
	uint8_t key[STORE_KEY_MAX], back[STORE_KEY_MAX];
	char hex[RSTORE_HEX_MAX], oid[RSTORE_OID_MAX], epoch[RSTORE_EPOCH_LEN + 1];
	size_t n, i;

	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	rstore_hex(BLOB(key, sizeof(key)), hex);
	assert_int_equal(strlen(hex), 2 * sizeof(key));
	assert_int_equal(rstore_unhex(hex, strlen(hex), back, &n), 0);
	assert_int_equal(n, sizeof(key));
	assert_memory_equal(key, back, n);
	assert_int_equal(rstore_unhex("", 0, back, &n), -EUCLEAN);
	assert_int_equal(rstore_unhex("abc", 3, back, &n), -EUCLEAN);
	assert_int_equal(rstore_unhex("zz", 2, back, &n), -EUCLEAN);
	rstore_slot_oid(65535, oid);
	assert_string_equal(oid, "slot.ffff");
	rstore_epoch_text(UINT64_MAX, epoch);
	assert_string_equal(epoch, "ffffffffffffffff");
	rstore_epoch_text(255, epoch);
	assert_string_equal(epoch, "00000000000000ff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hex),
	};

	return cmocka_run_group_tests_name("rstore_url", tests, NULL, NULL);
}
