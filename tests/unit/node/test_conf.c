/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configuration by table: values, sentences, output that reads back. */
#include "tests/unit/test.h"

#include "node/conf/node_conf.h"
#include "node/conf/tunables.h"

static const char minimal[] = "name: n1\n"
			      "node_id: 1\n"
			      "addresses: [192.0.2.1]\n"
			      "rpc_address: 192.0.2.1:4455\n";

static int load(const char *text, struct node_conf *c, struct conf_error *err)
{
	err->text[0] = '\0';
	assert_int_equal(conf_init(&node_conf_schema, c), 0);
	return conf_load_text(&node_conf_schema, "node.yaml", text, strlen(text), c, err);
}

static void test_sizes_and_durations(void **state)
{
	static const char *const bad_sizes[] = { "",	   "KiB", "-1",	    "1KB",   "1k",
						 "1.5MiB", " 1",  "1  KiB", "1KiB ", "0x10" };
	static const char *const bad_times[] = { "", "1", "1S", "1m", "s", "1 s ", "-1s", "1sec" };
	uint64_t v = 77;

	assert_int_equal(conf_parse_size("64KiB", &v), 0);
	assert_int_equal(v, 65536);
	assert_int_equal(conf_parse_size("8 MiB", &v), 0);
	assert_int_equal(v, 8 << 20);
	assert_int_equal(conf_parse_size("4096", &v), 0);
	assert_int_equal(v, 4096);
	assert_int_equal(conf_parse_size("16777216TiB", &v), -ERANGE);
	assert_int_equal(conf_parse_size("99999999999999999999", &v), -ERANGE);
	assert_int_equal(conf_parse_duration("500ms", &v), 0);
	assert_int_equal(v, 500);
	assert_int_equal(conf_parse_duration("35s", &v), 0);
	assert_int_equal(v, 35000);
	assert_int_equal(conf_parse_duration("5min", &v), 0);
	assert_int_equal(v, 300000);
	assert_int_equal(conf_parse_duration("0", &v), 0);
	assert_int_equal(v, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad_sizes); i++)
		assert_int_equal(conf_parse_size(bad_sizes[i], &v), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(bad_times); i++)
		assert_int_equal(conf_parse_duration(bad_times[i], &v), -EINVAL);
	assert_int_equal(v, 0);
}

static void check_address(const char *text, const char *host, int port)
{
	char h[64] = "";
	uint16_t p = 0;

	assert_int_equal(conf_parse_address(text, h, &p), 0);
	assert_string_equal(h, host);
	assert_int_equal(p, port);
}

static void test_addresses(void **state)
{
	static const char *const bad[] = { "",
					   "host",
					   "192.0.2",
					   "192.0.2.1:",
					   "192.0.2.1:0",
					   "192.0.2.1:65536",
					   "192.0.2.1:4x",
					   "[192.0.2.1]:1",
					   "[::1",
					   "[::1]x",
					   "[::1]:",
					   "::g",
					   "192.0.2.1 ",
					   "fe80::1%",
					   "1234567890123456789012345678901234567890"
					   "1234567890123456789012345678901234567890" };
	char h[64];
	uint16_t p;

	check_address("192.0.2.1", "192.0.2.1", 0);
	check_address("192.0.2.1:445", "192.0.2.1", 445);
	check_address("::1", "::1", 0);
	check_address("[::1]", "::1", 0);
	check_address("[2001:db8::1]:65535", "2001:db8::1", 65535);
	check_address("fe80::1%eth0", "fe80::1%eth0", 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(conf_parse_address(bad[i], h, &p), -EINVAL);
}

static void test_minimal(void **state)
{
	struct conf_error err;
	struct node_conf c;

	assert_int_equal(load(minimal, &c, &err), 0);
	assert_string_equal(c.name, "n1");
	assert_int_equal(c.node_id, 1);
	assert_int_equal(c.addresses.count, 1);
	assert_string_equal(c.addresses.items[0], "192.0.2.1");
	assert_int_equal(c.port, 445);
	assert_string_equal(c.store, "lmdb:/var/lib/holdfast/state");
	assert_string_equal(c.run_dir, "/run/holdfast");
	assert_int_equal(c.log_level, 2);
	assert_null(c.keytab);
	conf_done(&node_conf_schema, &c);
}

static void check_sentence(const char *more, const char *sentence)
{
	struct conf_error err;
	struct node_conf c;
	char text[1024];

	snprintf(text, sizeof(text), "%s%s", minimal, more);
	assert_int_equal(load(text, &c, &err), -EINVAL);
	if (!strstr(err.text, sentence))
		fail_msg("expected \"%s\" in \"%s\"", sentence, err.text);
	assert_null(c.name); /* all or nothing */
	conf_done(&node_conf_schema, &c);
}

static void test_sentences(void **state)
{
	check_sentence(
		"prot: 445\n",
		"node.yaml:5: unknown key \"prot\"; known keys are name, node_id, addresses");
	check_sentence(
		"\nport: 70000\n",
		"node.yaml:6: port: \"70000\" is out of range; allowed is a number from 1 to 65535");
	check_sentence("port: lots\n", "port: \"lots\" is not a number; allowed is");
	check_sentence("port: [1]\n", "port: \"1\" is in a list; allowed is a number");
	check_sentence("port: {a: 1}\n", "port: a mapping stands here; allowed is");
	check_sentence("port:\n", "node.yaml:5: port: there is no value; allowed is");
	check_sentence("log_level: loud\n",
		       "\"loud\" is not known; allowed is one of error, warning, info or debug");
	check_sentence("port: 1\nport: 2\n",
		       "node.yaml:6: the key \"port\" stands here a second time");
	check_sentence("keytab: \"\"\n",
		       "keytab: \"\" is out of range; allowed is text of 1 to 4095 bytes");
	check_sentence("keytab: \"a\\u0000b\"\n", "node.yaml:5: a value holds a NUL byte");
	check_sentence("port: &a 445\n", "node.yaml:5: anchors and tags are not supported");
	check_sentence("port: *a\n", "node.yaml:5:");
	check_sentence("port: 1\n---\nport: 2\n", "more than one YAML document");
	check_sentence("\tport: 1\n", "node.yaml:5:");
	check_sentence("? [a]\n: b\n", "node.yaml:5: a key must be a text");
	check_sentence("log: \"a\x01z\n", "node.yaml");
	check_sentence("x\ty: 1\n", "unknown key \"x?y\"");
	check_sentence("keytab: [[[[[[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]]]]]]\n",
		       "nested too deeply");
}

static void test_whole_file_sentences(void **state)
{
	struct conf_error err;
	struct node_conf c;

	assert_int_equal(load("", &c, &err), -EINVAL);
	assert_string_equal(err.text,
			    "node.yaml: name: this key is missing; it takes text of 1 to 63 bytes");
	conf_done(&node_conf_schema, &c);
	assert_int_equal(load("- a\n", &c, &err), -EINVAL);
	assert_non_null(strstr(err.text, "\"key: value\" are expected"));
	conf_done(&node_conf_schema, &c);
	assert_int_equal(
		load("name: a\nnode_id: 1\nrpc_address: 1.2.3.4:5\naddresses: [x]\n", &c, &err),
		-EINVAL);
	assert_non_null(strstr(err.text, "node.yaml:4: addresses: \"x\" is not an address"));
	conf_done(&node_conf_schema, &c);
	assert_int_equal(
		load("name: a\nnode_id: 1\nrpc_address: 1.2.3.4:5\naddresses: []\n", &c, &err),
		-EINVAL);
	assert_non_null(strstr(err.text, "addresses: has 0 items; allowed are 1 to 64"));
	conf_done(&node_conf_schema, &c);
}

static void test_lists(void **state)
{
	struct conf_error err;
	struct node_conf c;

	assert_int_equal(
		load("name: a\nnode_id: 1\nrpc_address: 1.2.3.4:5\naddresses:\n  - 192.0.2.1\n"
		     "  - \"[2001:db8::1]:446\"\n",
		     &c, &err),
		0);
	assert_int_equal(c.addresses.count, 2);
	assert_int_equal(conf_set_pair(&node_conf_schema, &c, "addresses= 192.0.2.9 ,::1", &err),
			 0);
	assert_int_equal(c.addresses.count, 2);
	assert_string_equal(c.addresses.items[0], "192.0.2.9");
	assert_string_equal(c.addresses.items[1], "::1");
	assert_int_equal(conf_set_pair(&node_conf_schema, &c, "addresses=::1,,::2", &err), -EINVAL);
	assert_string_equal(c.addresses.items[1], "::1");
	conf_done(&node_conf_schema, &c);
}

static void test_pairs(void **state)
{
	struct conf_error err;
	struct tunables t;

	tunables_init(&t);
	assert_int_equal(conf_set_pair(&tunables_schema, &t, "max_io=1MiB", &err), 0);
	assert_int_equal(t.max_io, 1 << 20);
	assert_int_equal(conf_set_pair(&tunables_schema, &t, "signing_required=off", &err), 0);
	assert_false(t.signing_required);
	assert_int_equal(conf_set_pair(&tunables_schema, &t, "auth_timeout=10", &err), -EINVAL);
	assert_string_equal(
		err.text,
		"auth_timeout: \"10\" is not a duration with a unit; allowed is a duration from "
		"1s to 10min (units: ms, s, min, h, d)");
	assert_int_equal(conf_set_pair(&tunables_schema, &t, "max_io=1GiB", &err), -EINVAL);
	assert_string_equal(
		err.text,
		"max_io: \"1GiB\" is out of range; allowed is a size from 64KiB to 16MiB (units: "
		"B, KiB, MiB, GiB, TiB)");
	assert_int_equal(conf_set_pair(&tunables_schema, &t, "max_io", &err), -EINVAL);
	assert_string_equal(err.text, "\"max_io\" is not key=value");
	assert_int_equal(conf_set_pair(&tunables_schema, &t, "signing_required=maybe", &err),
			 -EINVAL);
	assert_int_equal(t.max_io, 1 << 20);
}

static void test_tunables(void **state)
{
	struct conf_error err;
	struct tunables t;

	tunables_init(&t);
	assert_int_equal(t.slots, 1024);
	assert_int_equal(t.persistent_timeout_ms, 60000);
	assert_int_equal(t.max_io, 8 << 20);
	assert_int_equal(t.max_credits, 8192);
	assert_int_equal(tunables_dialect(t.smb_min_dialect), 0x0202);
	assert_int_equal(tunables_dialect(t.smb_max_dialect), 0x0311);
	assert_int_equal(tunables_check(&t, &err), 0);
	t.smb_max_dialect = TUNABLES_SMB_210;
	t.smb_min_dialect = TUNABLES_SMB_300;
	assert_int_equal(tunables_check(&t, &err), -EINVAL);
	assert_string_equal(err.text, "smb_min_dialect: 3.0 is newer than smb_max_dialect 2.1");
}

static void test_json_both_ways(void **state)
{
	struct conf_error err;
	struct node_conf c, d;
	json_t *json;

	assert_int_equal(load(minimal, &c, &err), 0);
	assert_int_equal(conf_set_pair(&node_conf_schema, &c, "workers=3", &err), 0);
	json = conf_to_json(&node_conf_schema, &c);
	assert_non_null(json);
	assert_true(json_is_null(json_object_get(json, "keytab")));
	assert_int_equal(json_integer_value(json_object_get(json, "workers")), 3);
	assert_int_equal(conf_init(&node_conf_schema, &d), 0);
	assert_int_equal(conf_load_json(&node_conf_schema, json, &d, &err), 0);
	assert_int_equal(d.workers, 3);
	assert_string_equal(d.addresses.items[0], "192.0.2.1");
	json_object_set_new(json, "workers", json_real(1.5));
	assert_int_equal(conf_load_json(&node_conf_schema, json, &d, &err), -EINVAL);
	assert_string_equal(
		err.text,
		"workers: this JSON type does not fit; allowed is a number from 0 to 256 threads");
	json_decref(json);
	conf_done(&node_conf_schema, &c);
	conf_done(&node_conf_schema, &d);
}

static void test_json_durations(void **state)
{
	struct tunables t, u;
	struct conf_error err;
	json_t *json;

	tunables_init(&t);
	t.lease_ms = 1234;
	json = conf_to_json(&tunables_schema, &t);
	tunables_init(&u);
	assert_int_equal(conf_load_json(&tunables_schema, json, &u, &err), 0);
	assert_memory_equal(&t, &u, sizeof(t));
	json_decref(json);
	json = json_pack("{s:i}", "leas", 1);
	assert_int_equal(conf_load_json(&tunables_schema, json, &u, &err), -EINVAL);
	assert_non_null(strstr(err.text, "unknown key \"leas\"; known keys are slots, lease"));
	json_decref(json);
}

/* What conf_print writes, conf_load_text reads. */
static void test_print_reads_back(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct conf_error err;
	struct node_conf c, d;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_int_equal(load(minimal, &c, &err), 0);
	assert_int_equal(
		conf_set(&node_conf_schema, &c, NULL, "keytab", "/a \"b\"\\ #\xc3\xa4:\n", &err),
		0);
	conf_print(&node_conf_schema, &c, f);
	fclose(f);
	assert_int_equal(load(text, &d, &err), 0);
	assert_string_equal(c.keytab, d.keytab);
	assert_int_equal(c.log_level, d.log_level);
	conf_done(&node_conf_schema, &c);
	conf_done(&node_conf_schema, &d);
}

static void test_doc_names_all(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	conf_print_doc(&node_conf_schema, f);
	conf_print_doc(&tunables_schema, f);
	fclose(f);
	for (size_t i = 0; i < node_conf_schema.count; i++)
		assert_non_null(strstr(text, node_conf_schema.rows[i].name));
	for (size_t i = 0; i < tunables_schema.count; i++) {
		const struct conf_row *row = &tunables_schema.rows[i];

		assert_non_null(strstr(text, row->name));
		assert_true(strlen(row->prose) > 20);
		assert_non_null(row->def);
	}
	assert_non_null(strstr(text, "Takes a size from 64KiB to 16MiB"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 100);
}

static int write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return -errno;
	fputs(text, f);
	return fclose(f) == 0 ? 0 : -errno;
}

static void check_node_file(const char *path, const char *more, const char *sentence)
{
	struct node_conf *c = NULL;
	struct conf_error err;
	char text[1024];
	int r;

	snprintf(text, sizeof(text), "%s%s", minimal, more);
	assert_int_equal(write_file(path, text), 0);
	r = node_conf_load(path, &c, &err);
	assert_int_equal(r, sentence ? -EINVAL : 0);
	if (sentence && !strstr(err.text, sentence))
		fail_msg("expected \"%s\" in \"%s\"", sentence, err.text);
	if (!sentence)
		assert_true(c->workers >= 1);
	node_conf_free(c);
}

static void test_node_files(void **state)
{
	char path[] = "/tmp/holdfast-test-conf.XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	struct node_conf *c = NULL;
	struct conf_error err;

	assert_true(fd >= 0);
	check_node_file(path, "", NULL);
	check_node_file(path, "store: rados:holdfast\nlog: journal\nworkers: 4\n", NULL);
	check_node_file(path, "store: mysql:/x\n",
			"store: \"mysql:/x\" is not a store; allowed is lmdb:/DIRECTORY");
	check_node_file(path, "log: syslog\n", "log: \"syslog\" is not known; allowed is journal");
	check_node_file(path, "run_dir: run\n", "run_dir: \"run\" is not an absolute path");
	assert_int_equal(
		write_file(path, "name: \"a b\"\nnode_id: 1\naddresses: ::1\nrpc_address: ::1\n"),
		0);
	assert_int_equal(node_conf_load(path, &c, &err), -EINVAL);
	assert_non_null(strstr(err.text, "name: \"a b\" holds more than letters"));
	assert_int_equal(
		write_file(path, "name: a\nnode_id: 1\naddresses: ::1\nrpc_address: ::1\n"), 0);
	assert_int_equal(node_conf_load(path, &c, &err), -EINVAL);
	assert_non_null(strstr(err.text, "rpc_address: \"::1\" has no port"));
	unlink(path);
	assert_int_equal(node_conf_load(path, &c, &err), -ENOENT);
	assert_non_null(strstr(err.text, "the file cannot be read: No such file or directory"));
	assert_int_equal(node_conf_load("/tmp", &c, &err), -EISDIR);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes_and_durations),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_minimal),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_whole_file_sentences),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_tunables),
		cmocka_unit_test(test_json_both_ways),
		cmocka_unit_test(test_json_durations),
		cmocka_unit_test(test_print_reads_back),
		cmocka_unit_test(test_doc_names_all),
		cmocka_unit_test(test_node_files),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
