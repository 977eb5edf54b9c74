/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tree connects. Home worker's thread. */
#include "smbd/proto/tree.h"

#include "node/base/clock.h"
#include "smbd/proto/req.h"

int tree_new(struct session *s, struct smb_share *share, uint32_t max_access, struct tree **ret)
{
	struct tree *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	if (charge_take(&t->charge, &s->tree_limit, 1) < 0) {
		free(t);
		return -EDQUOT;
	}
	t->refs = 1;
	use_init(&t->use);
	list_init(&t->opens);
	t->session = session_ref(s);
	t->share = share_ref(share);
	t->max_access = max_access;
	t->connected_at = clock_real_ns();
	do {
		t->id = s->next_tree_id++;
	} while (t->id == 0 || t->id == UINT32_MAX || tree_find(s, t->id));
	list_append(&s->trees, &t->in_session);
	list_append(&share->trees, &t->in_share);
	*ret = t;
	return 0;
}

struct tree *tree_ref(struct tree *t)
{
	t->refs++;
	return t;
}

void tree_unref(struct tree *t)
{
	if (!t || --t->refs > 0)
		return;
	assert(list_empty(&t->opens));
	charge_done(&t->charge);
	share_unref(t->share);
	session_unref(t->session);
	free(t);
}

struct tree *tree_find(struct session *s, uint32_t id)
{
	struct tree *t;

	list_foreach(t, &s->trees, in_session) {
		if (t->id == id)
			return t;
	}
	return NULL;
}

bool tree_close(struct tree *t, struct smb_req *self, enum open_end why)
{
	struct smb_req *req;
	struct open *o;

	if (t->closing)
		return false;
	t->closing = true;
	list_remove(&t->in_session);
	list_remove(&t->in_share);
	list_foreach(req, &t->use.reqs, in_tree) {
		if (req != self)
			conn_cancel_req(req);
	}
	use_wait(&t->use, self ? &self->in_tree : NULL);
	while ((o = list_first(&t->opens, struct open, in_tree)))
		(void)open_close(o, NULL, why);
	tree_unref(t);
	return true;
}
