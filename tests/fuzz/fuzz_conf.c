/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node.yaml from anywhere: refused with a sentence, or printed and read back to the same values. */
#include "node/conf/node_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_read_back(struct node_conf *c)
{
	_cleanup_free_ char *text = NULL;
	struct conf_error err;
	struct node_conf d;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	json_t *a, *b;

	if (!f || conf_init(&node_conf_schema, &d) < 0)
		abort();
	conf_print(&node_conf_schema, c, f);
	fclose(f);
	if (conf_load_text(&node_conf_schema, "printed", text, n, &d, &err) < 0)
		abort();
	a = conf_to_json(&node_conf_schema, c);
	b = conf_to_json(&node_conf_schema, &d);
	if (!a || !b || !json_equal(a, b))
		abort();
	json_decref(a);
	json_decref(b);
	conf_done(&node_conf_schema, &d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_error err = { 0 };
	struct node_conf c;
	int r;

	if (conf_init(&node_conf_schema, &c) < 0)
		return 0;
	r = conf_load_text(&node_conf_schema, "fuzz", (const char *)data, size, &c, &err);
	if (r == 0)
		check_read_back(&c);
	else if (r == -EINVAL && (!err.text[0] || strchr(err.text, '\n')))
		abort();
	conf_done(&node_conf_schema, &c);
	return 0;
}
