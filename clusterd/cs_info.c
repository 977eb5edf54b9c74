/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What corosync is configured to: nodes, votes, token. On clusterd's loop. */
#include <stdio.h>

#include "clusterd/cs_priv.h"

static void get_text(cmap_handle_t h, const char *key, char *ret, size_t n)
{
	char *s = NULL;

	if (cmap_get_string(h, key, &s) != CS_OK || !s)
		return;
	snprintf(ret, n, "%s", s);
	free(s);
}

/* One node per key "nodelist.node.N.nodeid"; the others of the same N belong to it. */
static void read_node(struct cs *c, const char *key)
{
	char other[CMAP_KEYNAME_MAXLEN + 1];
	struct cs_node *n;
	unsigned int index;
	char tail[32];

	if (c->info.n == CS_NODES_MAX || sscanf(key, "nodelist.node.%u.%31s", &index, tail) != 2 ||
	    strcmp(tail, "nodeid") != 0)
		return;
	n = &c->info.nodes[c->info.n];
	*n = (struct cs_node){ .votes = 1 };
	if (cmap_get_uint32(c->cmap, key, &n->node_id) != CS_OK || !n->node_id)
		return;
	snprintf(other, sizeof(other), "nodelist.node.%u.name", index);
	get_text(c->cmap, other, n->name, sizeof(n->name));
	snprintf(other, sizeof(other), "nodelist.node.%u.ring0_addr", index);
	get_text(c->cmap, other, n->addr, sizeof(n->addr));
	c->info.n++;
}

static cs_error_t read_nodes(struct cs *c)
{
	char key[CMAP_KEYNAME_MAXLEN + 1];
	cmap_iter_handle_t it;
	cs_error_t e = cmap_iter_init(c->cmap, "nodelist.node.", &it);

	if (e != CS_OK)
		return e;
	c->info.n = 0;
	while (cmap_iter_next(c->cmap, it, key, NULL, NULL) == CS_OK)
		read_node(c, key);
	return cmap_iter_finalize(c->cmap, it);
}

cs_error_t cs_read_config(struct cs *c)
{
	uint8_t two_node = 0;

	c->info.cluster[0] = '\0';
	get_text(c->cmap, "totem.cluster_name", c->info.cluster, sizeof(c->info.cluster));
	c->info.token_ms = 1000;
	/* What is in force; the configured value may be absent. */
	if (cmap_get_uint32(c->cmap, "runtime.config.totem.token", &c->info.token_ms) != CS_OK)
		cmap_get_uint32(c->cmap, "totem.token", &c->info.token_ms);
	c->info.two_node = cmap_get_uint8(c->cmap, "quorum.two_node", &two_node) == CS_OK && two_node;
	return read_nodes(c);
}

cs_error_t cs_read_votes(struct cs *c)
{
	struct votequorum_info v;
	cs_error_t e;
	uint32_t i;

	/* The nodelist may have been reloaded. */
	e = read_nodes(c);
	if (e != CS_OK)
		return e;
	e = votequorum_getinfo(c->vq, 0, &v);
	if (e != CS_OK)
		return e;
	c->info.node_id = v.node_id;
	c->info.expected = v.highest_expected;
	c->info.quorum = MAX(v.quorum, v.highest_expected / 2 + 1);
	for (i = 0; i < c->info.n; i++) {
		struct votequorum_info of;

		if (votequorum_getinfo(c->vq, c->info.nodes[i].node_id, &of) == CS_OK)
			c->info.nodes[i].votes = of.node_votes;
	}
	return CS_OK;
}
