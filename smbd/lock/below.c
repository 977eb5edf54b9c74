/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which opens are below a directory: it is not renamed while there are any (MS-FSA 2.1.5.14.11, 2.1.4.2). The opens of a
 * slot hang in a tree of the names that they were opened by, so that nobody looks at those that are elsewhere. On the
 * owner's worker.
 */
#include "smbd/lock/core_priv.h"

#include <stdio.h>

#include "node/base/hash.h"
#include "node/base/utf.h"

/* A directory with opens below it. */
struct lk_node {
	struct hnode by_name;
	struct lk_node *parent; /* NULL: the root of a share */
	struct list sibling, children;
	struct list ents; /* lk_ent.in_node: directly in it */
	size_t len;
	char name[]; /* share and path, '/' between; no end */
};

static struct lk_node *node_find(const struct lk_core *c, const char *name, size_t len)
{
	for (struct hnode *h = htable_find(&c->nodes, hash64(name, len, 0)); h; h = htable_find_next(h)) {
		struct lk_node *n = htable_entry(h, struct lk_node, by_name);

		if (n->len == len && memcmp(n->name, name, len) == 0)
			return n;
	}
	return NULL;
}

/* Frees it and those above it, as far as nothing is below them. */
static void node_prune(struct lk_core *c, struct lk_node *n)
{
	while (n && list_empty(&n->ents) && list_empty(&n->children)) {
		struct lk_node *up = n->parent;

		htable_remove(&c->nodes, &n->by_name);
		list_remove(&n->sibling);
		free(n);
		n = up;
	}
}

static struct lk_node *node_new(struct lk_core *c, const char *name, size_t len, struct lk_node *child)
{
	struct lk_node *n = calloc(1, sizeof(*n) + len);

	if (!n)
		return NULL;
	list_init(&n->sibling);
	list_init(&n->children);
	list_init(&n->ents);
	n->len = len;
	memcpy(n->name, name, len);
	htable_insert(&c->nodes, &n->by_name, hash64(name, len, 0));
	if (child) {
		child->parent = n;
		list_append(&n->children, &child->sibling);
	}
	return n;
}

/* From the bottom up, until one is there already. */
static struct lk_node *node_get(struct lk_core *c, const char *name, size_t len)
{
	struct lk_node *n = node_find(c, name, len), *last, *first;

	if (n)
		return n;
	first = last = node_new(c, name, len, NULL);
	while (last && (len = utf8_dir_len(name, len)) > 0) {
		n = node_find(c, name, len);
		if (n) {
			last->parent = n;
			list_append(&n->children, &last->sibling);
			break;
		}
		n = node_new(c, name, len, last);
		if (!n) {
			node_prune(c, first);
			return NULL;
		}
		last = n;
	}
	return first;
}

/* Share and path; malloc'ed. */
static char *full_name(const char *share, const char *path, size_t *ret_len)
{
	char *s;
	int n = asprintf(&s, "%s%s%s", share ? share : "", path && *path ? "/" : "", path ? path : "");

	if (n < 0)
		return NULL;
	*ret_len = (size_t)n;
	return s;
}

int below_join(struct lk_core *c, struct lk_ent *e)
{
	_cleanup_free_ char *name = NULL;
	struct lk_node *n;
	size_t len;

	if (!e->rec.path || !*e->rec.path)
		return 0; /* the root of a share is below nothing */
	name = full_name(e->rec.share_name, e->rec.path, &len);
	n = name ? node_get(c, name, utf8_dir_len(name, len)) : NULL;
	if (!n)
		return -ENOMEM;
	list_append(&n->ents, &e->in_node);
	e->node = n;
	return 0;
}

void below_leave(struct lk_core *c, struct lk_ent *e)
{
	struct lk_node *n = TAKE_PTR(e->node);

	if (!n)
		return;
	list_remove(&e->in_node);
	node_prune(c, n);
}

void below_move(struct lk_core *c, struct lk_ent *e)
{
	struct lk_node *was = TAKE_PTR(e->node);

	list_remove(&e->in_node);
	if (below_join(c, e) < 0 && was) { /* no memory: better where it was than nowhere */
		list_append(&was->ents, &e->in_node);
		e->node = was;
	}
	if (was)
		node_prune(c, was);
}

void below_done(struct lk_core *c)
{
	struct htable_iter it;
	struct hnode *h;

	htable_foreach(h, &it, &c->nodes) {
		htable_remove(&c->nodes, h);
		free(htable_entry(h, struct lk_node, by_name));
	}
	htable_done(&c->nodes);
}

/* The next directory of the tree of `top`, in depth-first order. */
static struct lk_node *next_node(const struct lk_node *top, struct lk_node *n)
{
	if (!list_empty(&n->children))
		return list_first(&n->children, struct lk_node, sibling);
	while (n != top) {
		struct lk_node *up = n->parent;

		if (n->sibling.next != &up->children)
			return list_entry(n->sibling.next, struct lk_node, sibling);
		n = up;
	}
	return NULL;
}

static struct lk_node *top_of(const struct lk_core *c, const char *share, const char *path)
{
	_cleanup_free_ char *name = NULL;
	size_t len;

	name = full_name(share, path, &len);
	return name ? node_find(c, name, len) : NULL;
}

bool core_below(const struct lk_core *c, const char *share, const char *path)
{
	return top_of(c, share, path) != NULL;
}

/* Whether it may be gone once its handle is broken, and there is somebody to ask. */
static bool may_go(const struct lk_ent *e)
{
	return e->lease && lease_waits(&e->lease->m, LEASE_OP_HANDLE) && !(e->rec.disconnected && e->rec.persistent);
}

/* Closing what nobody can be asked about changes the tree: the files come first. -ENOMEM. */
static int files_below(struct lk_node *top, struct lk_file ***ret, size_t *ret_n)
{
	struct lk_file **all = NULL;
	size_t n = 0, cap = 0;

	for (struct lk_node *d = top; d; d = next_node(top, d)) {
		struct lk_ent *e;

		list_foreach(e, &d->ents, in_node) {
			if (!may_go(e))
				continue;
			if (n == cap) {
				struct lk_file **more = reallocarray(all, cap ? 2 * cap : 16, sizeof(*all));

				if (!more) {
					free(all);
					return -ENOMEM;
				}
				all = more;
				cap = cap ? 2 * cap : 16;
			}
			all[n++] = e->file;
		}
	}
	*ret = all;
	*ret_n = n;
	return 0;
}

/* What is left: an open that stays whatever is broken, or else one that may go. */
static const struct lk_ent *left(struct lk_node *top)
{
	const struct lk_ent *e, *waits = NULL;

	for (struct lk_node *d = top; d; d = next_node(top, d))
		list_foreach(e, &d->ents, in_node) {
			if (!may_go(e))
				return e;
			waits = e;
		}
	return waits;
}

void do_below(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct contender k = { .op = LEASE_OP_HANDLE };
	struct lk_node *top = top_of(c, m->share_name, m->path);
	_cleanup_free_ struct lk_file **files = NULL;
	const struct lk_ent *e;
	size_t n = 0;

	if (m->flags & LKF_LATE) {
		reply(fx, m, top ? LK_OPENS_BELOW : LK_OK);
		return;
	}
	if (top && files_below(top, &files, &n) < 0) {
		reply(fx, m, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (file_waits(files[i], m, fx))
			return;
	for (size_t i = 0; i < n; i++)
		(void)caching_contend(c, files[i], &k, now, fx);
	top = top_of(c, m->share_name, m->path);
	e = top ? left(top) : NULL;
	if (e && !may_go(e))
		reply(fx, m, LK_OPENS_BELOW);
	else if (e && (m->flags & LKF_WAIT))
		file_block(e->file, m, fx);
	else
		reply(fx, m, LK_OK);
}
