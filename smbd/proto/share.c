/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker's shares, as the configuration of the cluster has them. Worker's thread. */
#include "smbd/proto/share.h"

#include "node/base/utf.h"
#include "node/log/log.h"
#include "smbd/proto/tree.h"
#include "smbd/proto/worker.h"

static const struct share ipc_conf = { .name = "IPC$",
				       .path = "",
				       .comment = "Remote IPC",
				       .browseable = true };

struct smb_share *share_find(struct worker *w, const char *name)
{
	struct smb_share *s;

	list_foreach(s, &w->shares, link) {
		if (utf8_casecmp(s->conf->name, name) == 0)
			return s;
	}
	return NULL;
}

struct smb_share *share_ref(struct smb_share *s)
{
	s->refs++;
	return s;
}

void share_unref(struct smb_share *s)
{
	if (!s || --s->refs > 0)
		return;
	vfs_unref(s->vfs);
	cluster_config_unref(s->config);
	cluster_config_unref(s->listed_config);
	free(s);
}

int share_open_root(struct smb_share *s)
{
	_cleanup_free_ char *path = NULL;
	struct vfs *v = NULL;
	int r;

	if (s->vfs || s->ipc)
		return 0;
	path = strdup(s->conf->path);
	if (!path)
		return -ENOMEM;
	r = vfs_new(path, &v);
	if (r < 0) {
		log_err("share cannot be opened: share=%s path=%s error=%s", log_esc(s->conf->name),
			log_esc(path), log_errno(r));
		return r;
	}
	if (s->vfs) /* another TREE_CONNECT was faster */
		vfs_unref(v);
	else
		s->vfs = v;
	return 0;
}

bool share_allows(const struct smb_share *s, const char *user)
{
	size_t i;

	if (s->ipc || s->conf->n_users == 0)
		return true;
	for (i = 0; i < s->conf->n_users; i++) {
		if (utf8_casecmp(s->conf->users[i], user) == 0)
			return true;
	}
	return false;
}

static struct smb_share *share_new(const struct cluster_config *c, const struct share *conf)
{
	struct smb_share *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->refs = 1;
	s->config = cluster_config_ref(c);
	s->conf = conf;
	s->listed_config = cluster_config_ref(c);
	s->listed = conf;
	s->ipc = conf == &ipc_conf;
	list_init(&s->link);
	list_init(&s->trees);
	return s;
}

/* Whether trees of `old` may go on under `conf`. */
static bool same_service(const struct smb_share *old, const struct share *conf)
{
	const struct share *o = old->conf;
	size_t i;

	if (strcmp(o->path, conf->path) ||
	    o->continuously_available != conf->continuously_available ||
	    o->read_only != conf->read_only || o->encrypt != conf->encrypt ||
	    o->n_users != conf->n_users)
		return false;
	for (i = 0; i < o->n_users; i++) {
		if (strcmp(o->users[i], conf->users[i]))
			return false;
	}
	return true;
}

static void end_trees(void *arg)
{
	struct smb_share *s = arg;
	struct tree *t;

	while ((t = list_first(&s->trees, struct tree, in_share))) {
		tree_ref(t);
		(void)tree_close(t, NULL, OPEN_END_TREE);
		tree_unref(t);
	}
	share_unref(s);
}

static void share_retire(struct worker *w, struct smb_share *s)
{
	list_remove(&s->link);
	if (!list_empty(&s->trees)) {
		if (task_spawn(w->loop, end_trees, s, NULL) == 0)
			return; /* with the table's reference */
		log_err("trees of a share that was changed stay connected: no memory: share=%s",
			log_esc(s->conf->name));
	}
	share_unref(s);
}

static int add_share(struct list *to, const struct cluster_config *c, const struct share *conf)
{
	struct smb_share *s = share_new(c, conf);

	if (!s)
		return -ENOMEM;
	list_append(to, &s->link);
	return 0;
}

/* Lets an old share go on when nothing that matters to its trees has changed. */
static struct smb_share *reusable(struct worker *w, const struct share *conf)
{
	struct smb_share *s = share_find(w, conf->name);

	return s && !s->ipc && same_service(s, conf) ? s : NULL;
}

int share_table_update(struct worker *w, const struct cluster_config *c)
{
	struct list fresh = LIST_INIT(fresh), kept = LIST_INIT(kept);
	struct smb_share *s;
	size_t i;
	int r = 0;

	for (i = 0; i < c->n_shares && r == 0; i++) {
		s = reusable(w, &c->shares[i]);
		if (!s) {
			r = add_share(&fresh, c, &c->shares[i]);
			continue;
		}
		list_remove(&s->link);
		list_append(&kept, &s->link);
	}
	s = share_find(w, ipc_conf.name);
	if (s) {
		list_remove(&s->link);
		list_append(&kept, &s->link);
	} else if (r == 0) {
		r = add_share(&fresh, c, &ipc_conf);
	}
	if (r < 0) {
		list_splice(&w->shares, &kept);
		while ((s = list_first(&fresh, struct smb_share, link))) {
			list_remove(&s->link);
			share_unref(s);
		}
		return r;
	}
	while ((s = list_first(&w->shares, struct smb_share, link)))
		share_retire(w, s);
	list_splice(&w->shares, &kept);
	list_splice(&w->shares, &fresh);
	list_foreach(s, &w->shares, link) {
		const struct share *conf = s->ipc ? NULL : cluster_config_share(c, s->conf->name);

		if (!conf || s->listed == conf)
			continue;
		s->listed = conf;
		cluster_config_unref(s->listed_config);
		s->listed_config = cluster_config_ref(c);
	}
	return 0;
}

void share_table_done(struct worker *w)
{
	struct smb_share *s;

	while ((s = list_first(&w->shares, struct smb_share, link))) {
		list_remove(&s->link);
		share_unref(s);
	}
}
