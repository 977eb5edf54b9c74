/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The form of scenario files, data, and the arithmetic of lies. */
#include "tests/unit/test.h"

#include "tests/client/step.h"

struct fixture {
	struct arena a;
	struct script_error err;
};

static const char *value_of(void *arg, const char *name)
{
	if (strcmp(name, "NAME") == 0)
		return "two words";
	if (strcmp(name, "c1.credits") == 0)
		return "8192";
	return strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->a, 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_reset(&f->a);
	free(f);
	return 0;
}

static struct stmt *parse(struct fixture *f, const char *text)
{
	struct stmt *s = NULL;

	if (script_parse(&f->a, "x.hfs", text, &s, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return s;
}

static void mistake(struct fixture *f, const char *text, const char *what)
{
	struct stmt *s;

	assert_int_equal(script_parse(&f->a, "x.hfs", text, &s, &f->err), -EINVAL);
	assert_non_null(strstr(f->err.text, what));
}

static struct words words_of(struct fixture *f, const char *line)
{
	struct words w;

	if (script_words(&f->a, parse(f, line), value_of, NULL, &w, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return w;
}

static void word_mistake(struct fixture *f, const char *line, const char *what)
{
	struct words w;

	assert_int_equal(script_words(&f->a, parse(f, line), value_of, NULL, &w, &f->err), -EINVAL);
	assert_non_null(strstr(f->err.text, what));
	assert_non_null(strstr(f->err.text, "x.hfs:"));
}

static void test_lines(void **state)
{
	struct stmt *s =
		parse(*state, "# comment\n\none  # more\n\ttwo \\\n\tgoes on\n\"#\" three");

	assert_string_equal(s->text, "one");
	assert_int_equal(s->line, 3);
	assert_string_equal(s->next->text, "two  goes on");
	assert_int_equal(s->next->line, 4);
	assert_string_equal(s->next->next->text, "\"#\" three");
	assert_null(s->next->next->next);
	assert_null(parse(*state, ""));
	assert_null(parse(*state, "\n # nothing\n"));
}

static void test_blocks(void **state)
{
	struct stmt *s = parse(*state, "a {\n\tb {\n\t\tc\n\t}\n\td\n}\nf {\n}\ng{");

	assert_string_equal(s->text, "a");
	assert_true(s->block);
	assert_string_equal(s->body->text, "b");
	assert_string_equal(s->body->body->text, "c");
	assert_string_equal(s->body->next->text, "d");
	assert_true(s->next->block);
	assert_null(s->next->body);
	assert_false(s->next->next->block);
	mistake(*state, "a {\nb", "x.hfs:1: this block is not closed");
	mistake(*state, "a\n}", "x.hfs:2: a brace closes nothing");
}

static void test_deep_blocks(void **state)
{
	char text[200] = "";
	int i;

	for (i = 0; i < 40; i++)
		strcat(text, "a {\n");
	mistake(*state, text, "nested too deep");
}

static void test_words(void **state)
{
	struct words w =
		words_of(*state, "a \"b c\" d=\"e f\" $NAME \"<$NAME>\" ${c1.credits} $EMPTY \"\"");

	assert_int_equal(w.n, 8);
	assert_string_equal(w.v[1].text, "b c");
	assert_true(w.v[1].quoted);
	assert_string_equal(w.v[2].text, "d=e f");
	assert_false(w.v[2].quoted);
	assert_string_equal(w.v[3].text, "two words");
	assert_string_equal(w.v[4].text, "<two words>");
	assert_string_equal(w.v[5].text, "8192");
	assert_string_equal(w.v[6].text, "");
	assert_string_equal(w.v[7].text, "");
	w = words_of(*state, "\"\\\\ \\\" \\$ \\n\\t\\x41\"");
	assert_string_equal(w.v[0].text, "\\ \" $ \n\tA");
}

static void test_word_mistakes(void **state)
{
	char many[3 * SCRIPT_MAX_WORDS] = "";
	int i;

	word_mistake(*state, "\"open", "not closed");
	word_mistake(*state, "$MISSING", "there is no variable 'MISSING'");
	word_mistake(*state, "${NAME", "not closed");
	word_mistake(*state, "a$", "there is no variable");
	word_mistake(*state, "\"a\\q\"", "no escape");
	for (i = 0; i <= SCRIPT_MAX_WORDS; i++)
		strcat(many, "a ");
	word_mistake(*state, many, "at most");
}

static struct blob data(struct fixture *f, const char *spec)
{
	struct blob b = { 0 };

	assert_int_equal(data_parse(&f->a, spec, &b), 0);
	return b;
}

static void test_data(void **state)
{
	struct blob a, b;

	assert_true(blob_equal(data(*state, "text"), BLOB("text", 4)));
	assert_true(blob_equal(data(*state, "hex:00ff.10 20"), BLOB("\0\xff\x10\x20", 4)));
	assert_true(blob_equal(data(*state, "fill:3:0x41"), BLOB("AAA", 3)));
	assert_true(blob_equal(data(*state, "fill:2"), BLOB("\0\0", 2)));
	assert_true(blob_equal(data(*state, "u16:0x102"), BLOB("\2\1", 2)));
	assert_true(blob_equal(data(*state, "u64:1"), BLOB("\1\0\0\0\0\0\0\0", 8)));
	assert_true(blob_equal(data(*state, "utf16:a"), BLOB("a\0", 2)));
	assert_int_equal(data(*state, "hex:").len, 0);
	assert_int_equal(data(*state, "").len, 0);
	a = data(*state, "random:1k:5");
	b = data(*state, "random:2048:5");
	assert_int_equal(a.len, 1024);
	assert_memory_equal(a.data, b.data, 1024);
	assert_memory_not_equal(b.data, b.data + 1024, 1024);
	assert_memory_not_equal(a.data, data(*state, "random:1k:6").data, 1024);
}

static void test_data_mistakes(void **state)
{
	static const char *const specs[] = { "hex:0",
					     "hex:zz",
					     "fill:",
					     "fill:x",
					     "random:99999999999",
					     "u64:",
					     "u64:x",
					     "file:/no/such/file" };
	struct fixture *f = *state;
	struct blob b;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(specs); i++)
		assert_true(data_parse(&f->a, specs[i], &b) < 0);
}

static void test_fields(void **state)
{
	uint32_t off;
	uint8_t width;

	assert_int_equal(lies_field("create.name_offset", &off, &width), 0);
	assert_int_equal(off, 108);
	assert_int_equal(width, 2);
	assert_int_equal(lies_field("70:4", &off, &width), 0);
	assert_int_equal(off, 70);
	assert_int_equal(width, 4);
	assert_int_equal(lies_field("70:3", &off, &width), -ENOENT);
	assert_int_equal(lies_field("70", &off, &width), -ENOENT);
	assert_int_equal(lies_field("no.such", &off, &width), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_blocks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deep_blocks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_word_mistakes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_data, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_data_mistakes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fields, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("client/script", tests, NULL, NULL);
}
