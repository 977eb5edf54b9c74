/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens: ids, tables, references and the order of ending. Home worker's thread. */
#include "smbd/proto/open.h"

#include "node/base/clock.h"
#include "node/base/hash.h"
#include "node/base/random.h"
#include "node/log/log.h"
#include "smbd/proto/req.h"

static uint64_t fresh_volatile(struct worker *w)
{
	uint64_t id;

	do {
		id = random_u64();
	} while (id == 0 || id == UINT64_MAX || htable_find(&w->opens, hash64_u64(id)));
	return id;
}

int open_new(struct smb_req *req, struct open **ret)
{
	struct session *s = req->session;
	struct open *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	if (charge_take(&o->charge, &s->open_limit, 1) < 0) {
		free(o);
		return -EDQUOT;
	}
	o->refs = 1;
	o->worker = req->worker;
	o->session = session_ref(s);
	o->tree = tree_ref(req->tree);
	o->share = req->tree->share;
	o->id.volatile_id = fresh_volatile(req->worker);
	o->channel_sequence = req->hdr.channel_sequence;
	o->opened_at = clock_real_ns();
	use_init(&o->use);
	list_init(&o->in_session);
	list_init(&o->in_tree);
	*ret = o;
	return 0;
}

void open_publish(struct open *o)
{
	htable_insert(&o->worker->opens, &o->by_volatile, hash64_u64(o->id.volatile_id));
	list_append(&o->session->opens, &o->in_session);
	list_append(&o->tree->opens, &o->in_tree);
	o->published = true;
}

void open_drop(struct open *o)
{
	if (!o)
		return;
	assert(!o->published);
	open_unref(o);
}

struct open *open_ref(struct open *o)
{
	o->refs++;
	return o;
}

void open_unref(struct open *o)
{
	if (!o || --o->refs > 0)
		return;
	charge_done(&o->charge);
	free(o->path);
	tree_unref(o->tree);
	session_unref(o->session);
	free(o);
}

struct open *open_find(struct session *s, struct smb2_fileid id)
{
	struct hnode *n;
	struct open *o;

	for (n = htable_find(&s->worker->opens, hash64_u64(id.volatile_id)); n;
	     n = htable_find_next(n)) {
		o = htable_entry(n, struct open, by_volatile);
		if (o->id.volatile_id == id.volatile_id)
			return o->id.persistent_id == id.persistent_id && o->session == s ? o :
											    NULL;
	}
	return NULL;
}

bool open_close(struct open *o, struct smb_req *self, enum open_end why)
{
	struct smb_req *req;

	if (o->closing || !o->published)
		return false;
	o->closing = true;
	htable_remove(&o->worker->opens, &o->by_volatile);
	list_remove(&o->in_session);
	list_remove(&o->in_tree);
	list_foreach(req, &o->use.reqs, in_open) {
		if (req != self)
			conn_cancel_req(req);
	}
	use_wait(&o->use, self ? &self->in_open : NULL);
	task_shield_begin();
	if (o->ops && o->ops->end)
		o->ops->end(o, why);
	task_shield_end();
	open_unref(o);
	return true;
}

static void gone_task(void *arg)
{
	struct open *o = arg;

	(void)open_close(o, NULL, OPEN_END_GONE);
	open_unref(o);
}

void open_gone(struct open *o)
{
	if (o->closing)
		return;
	if (task_spawn(o->worker->loop, gone_task, open_ref(o), NULL) < 0) {
		log_err("an open that its owner closed stays until its session ends: no memory");
		open_unref(o);
	}
}
