/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The YAML tree. */
#include "tests/unit/test.h"

#include "node/conf/yaml.h"

static int parse(struct arena *a, const char *text, struct yaml_node **ret, struct conf_error *err)
{
	return yaml_parse(a, "x.yaml", text, strlen(text), ret, err);
}

static void test_tree(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct yaml_node *docs, *root, *list;
	struct conf_error err;

	arena_init(&a, 0);
	assert_int_equal(parse(&a, "kind: share\nspec:\n  users: [a, \"b\"]\n---\nkind: user\n",
			       &docs, &err),
			 0);
	assert_int_equal(docs->count, 2);
	root = docs->items->node;
	assert_int_equal(root->kind, YAML_MAPPING);
	assert_string_equal(yaml_find(root, "kind")->text, "share");
	list = yaml_find(yaml_find(root, "spec"), "users");
	assert_int_equal(list->kind, YAML_SEQUENCE);
	assert_int_equal(list->count, 2);
	assert_int_equal(list->line, 3);
	assert_true(list->items->node->plain);
	assert_false(list->items->next->node->plain);
	assert_null(yaml_find(root, "none"));
	assert_null(yaml_find(list, "none"));
	assert_string_equal(yaml_find(docs->items->next->node, "kind")->text, "user");
}

static void test_json(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_free_ char *text = NULL;
	struct yaml_node *docs;
	struct conf_error err;
	json_t *json;

	arena_init(&a, 0);
	assert_int_equal(
		parse(&a, "a: 1\nb: \"1\"\nc: true\nd: [~, x, -5]\ne: {}\nf: 1-2\n", &docs, &err),
		0);
	json = yaml_to_json(docs->items->node);
	text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(
		text,
		"{\"a\":1,\"b\":\"1\",\"c\":true,\"d\":[null,\"x\",-5],\"e\":{},\"f\":\"1-2\"}");
	json_decref(json);
}

static void test_bounds(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct yaml_node *docs = NULL;
	struct conf_error err;
	char deep[200];

	arena_init(&a, 4096);
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(parse(&a, deep, &docs, &err), -EINVAL);
	assert_string_equal(err.text, "x.yaml:1: this is nested too deeply");
	arena_reset(&a);
	assert_int_equal(
		parse(&a,
		      "[a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,a,b,c,d,e,f,g,h,i,j,k,l,m,"
		      "n,o,p,q,r,s,t,u,v,w,x,y,z,a,b,c,d,e,f,g,h,i,j,k,l]",
		      &docs, &err),
		-ENOMEM);
	arena_reset(&a);
	assert_int_equal(parse(&a, "a: \"\xff\"\n", &docs, &err), -EINVAL);
	assert_int_equal(parse(&a, "a: [1\n", &docs, &err), -EINVAL);
	assert_int_equal(parse(&a, "a: !!binary aGk=\n", &docs, &err), -EINVAL);
	assert_null(docs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
