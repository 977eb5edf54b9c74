/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of the configuration, and the snapshot that is made of them. */
#include "tests/unit/test.h"

#include "clusterd/client/config_pb.h"
#include "node/conf/resource.h"
#include "node/log/log.h"

static void test_names(void **state)
{
	static const char *const good[] = { "data", "Daten für alle", "\xe6\x97\xa5\xe6\x9c\xac", "a$", "x.y" };
	static const char *const bad[] = { "", "a/b", "a\\b", "IPC$", "ipc$", " a", "a ", "a\nb", "\xff\xfe", "a*",
					   "a:b", "..", "\x7f",
					   "0123456789012345678901234567890123456789012345678901234567890123456789"
					   "012345678901" };
	struct conf_error err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(resource_check_name(&resource_share, good[i], &err), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(resource_check_name(&resource_share, bad[i], &err), -EINVAL);
	assert_int_equal(resource_check_name(&resource_user, "a@b", &err), -EINVAL);
	assert_int_equal(resource_check_name(&resource_user, "jürgen", &err), 0);
}

static void test_keys(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *x, *y;

	assert_int_equal(resource_key(&a, "DÄTEN", &x), 0);
	assert_int_equal(resource_key(&a, "däten", &y), 0);
	assert_string_equal(x, y);
}

static void test_share_round_trip(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct share_conf s, t;
	struct conf_error err;
	const char *name;
	struct blob b;

	assert_int_equal(conf_init(resource_share.schema, &s), 0);
	assert_true(s.browseable);
	assert_int_equal(conf_set(resource_share.schema, &s, NULL, "path", "/srv/ä b", &err), 0);
	assert_int_equal(conf_set(resource_share.schema, &s, NULL, "users", "a,b", &err), 0);
	assert_int_equal(conf_set(resource_share.schema, &s, NULL, "continuously_available", "yes", &err), 0);
	assert_int_equal(resource_encode(&resource_share, "Größe", &s, &a, &b), 0);
	assert_int_equal(resource_decode(&resource_share, b, &t, &a, &name, &err), 0);
	assert_string_equal(name, "Größe");
	assert_string_equal(t.path, "/srv/ä b");
	assert_null(t.comment);
	assert_int_equal(t.users.count, 2);
	assert_true(t.continuously_available);
	conf_done(resource_share.schema, &s);
	conf_done(resource_share.schema, &t);
}

static int decode(const struct resource_type *t, const char *text)
{
	_cleanup_arena_ struct arena a = { 0 };
	union {
		struct share_conf s;
		struct user_conf u;
		struct tunables t;
	} obj;
	struct conf_error err;
	const char *name;
	int r = resource_decode(t, BLOB(text, strlen(text)), &obj, &a, &name, &err);

	if (r == 0)
		conf_done(t->schema, &obj);
	return r;
}

#define HASH "\"00112233445566778899aabbccddeeff\""

static void test_refused(void **state)
{
	assert_int_equal(decode(&resource_share, "{\"format\":1,\"name\":\"a\",\"path\":\"/x\"}"), 0);
	assert_int_equal(decode(&resource_share, "{\"format\":2,\"name\":\"a\",\"path\":\"/x\"}"), -EPROTONOSUPPORT);
	assert_int_equal(decode(&resource_share, "{\"format\":1,\"name\":\"a\",\"path\":\"x\"}"), -EBADMSG);
	assert_int_equal(decode(&resource_share, "{\"format\":1,\"name\":\"a\",\"path\":\"/\"}"), -EBADMSG);
	assert_int_equal(decode(&resource_share, "{\"format\":1,\"name\":\"a\",\"path\":\"/a/../b\"}"), -EBADMSG);
	assert_int_equal(decode(&resource_share, "{\"format\":1,\"name\":\"a\",\"path\":\"/x\",\"z\":1}"), -EBADMSG);
	assert_int_equal(decode(&resource_share, "{\"format\":1,\"path\":\"/x\"}"), -EBADMSG);
	assert_int_equal(decode(&resource_share, "[]"), -EBADMSG);
	assert_int_equal(decode(&resource_share, ""), -EBADMSG);
	assert_int_equal(decode(&resource_user, "{\"format\":1,\"name\":\"a\",\"nt_hash\":" HASH "}"), 0);
	assert_int_equal(decode(&resource_user, "{\"format\":1,\"name\":\"a\"}"), -EBADMSG);
	assert_int_equal(decode(&resource_user, "{\"format\":1,\"name\":\"a\",\"nt_hash\":\"zz112233445566778899aabb"
						"ccddeeff\"}"), -EBADMSG);
	assert_int_equal(decode(&resource_user, "{\"format\":1,\"name\":\"a\",\"nt_hash\":" HASH
						",\"groups\":[\"-1\"]}"), -EBADMSG);
	assert_int_equal(decode(&resource_tunables, "{\"format\":1,\"name\":\"cluster\",\"lease\":1500}"), 0);
	assert_int_equal(decode(&resource_tunables, "{\"format\":1,\"name\":\"cluster\",\"lease\":1}"), -EBADMSG);
}

static Hfc__Resource *record(struct arena *a, const char *kind, uint64_t version, const char *value)
{
	Hfc__Resource *r = arena_new(a, Hfc__Resource);

	hfc__resource__init(r);
	r->kind = (char *)kind;
	r->name = (char *)"key";
	r->version = version;
	r->value.data = (uint8_t *)value;
	r->value.len = strlen(value);
	return r;
}

static void test_snapshot(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct cluster_config *c, *d;
	Hfc__Config pb = HFC__CONFIG__INIT;
	Hfc__Resource *list[] = {
		record(&a, "share", 4, "{\"format\":1,\"name\":\"zett\",\"path\":\"/z\",\"encrypt\":true}"),
		record(&a, "share", 1, "{\"format\":1,\"name\":\"Ährenfeld\",\"path\":\"/a\",\"users\":[\"bob\"]}"),
		record(&a, "share", 1, "{\"format\":7,\"name\":\"later\",\"path\":\"/b\"}"),
		record(&a, "user", 9, "{\"format\":1,\"name\":\"Bob\",\"nt_hash\":" HASH ",\"uid\":100001,\"gid\":100002,"
				      "\"groups\":[\"7\",\"8\"],\"rid\":1001,\"disabled\":true}"),
		record(&a, "tunables", 2, "{\"format\":1,\"name\":\"cluster\",\"max_sessions\":5}"),
		record(&a, "view", 2, "bytes"),
	};
	uint8_t id[16] = { 1, 2, 3 };
	struct sid sid;

	pb.revision = 12;
	pb.cluster = (char *)"lab";
	pb.id.data = id;
	pb.id.len = 16;
	pb.slots = 1024;
	pb.resources = list;
	pb.n_resources = ARRAY_SIZE(list);
	assert_int_equal(cluster_config_from_pb(&pb, NULL, &c), 0);
	assert_int_equal(c->n_shares, 2);
	assert_int_equal(c->n_users, 1);
	assert_int_equal(c->tunables.max_sessions, 5);
	assert_true(cluster_config_share(c, "ZETT")->encrypt);
	assert_string_equal(cluster_config_share(c, "ährenfeld")->users[0], "bob");
	assert_null(cluster_config_share(c, "later"));
	assert_int_equal(cluster_config_user(c, "BOB")->uid, 100001);
	assert_int_equal(cluster_config_user(c, "bob")->groups[1], 8);
	assert_int_equal(cluster_config_user(c, "bob")->nt_hash[15], 0xff);
	assert_int_equal(cluster_config_user(c, "bob")->nt_hash[1], 0x11);
	cluster_domain_sid(id, &sid);
	assert_true(sid_equal(&sid, &c->domain_sid));
	assert_int_equal(sid_append(&sid, 1001, &sid), 0);
	assert_true(sid_equal(&sid, &cluster_config_user(c, "bob")->sid));

	/* Settings that cannot be read leave those of before. */
	list[4] = record(&a, "tunables", 3, "{\"format\":1,\"name\":\"cluster\",\"max_sessions\":\"many\"}");
	assert_int_equal(cluster_config_from_pb(&pb, c, &d), 0);
	assert_int_equal(d->tunables.max_sessions, 5);
	cluster_config_unref(d);
	cluster_config_unref(c);
	pb.id.len = 3;
	assert_int_equal(cluster_config_from_pb(&pb, NULL, &c), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_share_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_snapshot),
	};

	log_set_level(LOG_LEVEL_ERR);
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
