/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Persistent handles in CREATE: who gets one, the replay of a request whose response was lost, and
 * taking a handle back (MS-SMB2 3.3.5.9.7, .10, .12). Home worker's thread, in the request's task.
 */
#include "node/log/log.h"
#include "smbd/op/create_priv.h"

bool create_wants_reclaim(const struct create *c)
{
	return c->ctx.present & (SMB2_CTX_DHNC | SMB2_CTX_DH2C);
}

/* Opens in a snapshot get none: what they read cannot be lost, and the client opens it anew. */
bool create_persistent(const struct create *c)
{
	return !c->past && (c->ctx.present & SMB2_CTX_DH2Q) &&
	       (c->ctx.dh2q.flags & SMB2_DHANDLE_FLAG_PERSISTENT) &&
	       c->req->tree->share->conf->continuously_available &&
	       (c->req->conn->capabilities & SMB2_GLOBAL_CAP_PERSISTENT_HANDLES);
}

bool create_durable(const struct create *c)
{
	return c->ctx.present & (SMB2_CTX_DHNQ | SMB2_CTX_DH2Q);
}

/* Opens the file of the grant by its stored handle, whatever its name is now, with the rights that
 * were granted. */
static int open_stored(struct create *c, const struct rec_open *rec)
{
	unsigned int flags = file_open_flags(c->open->granted_access, rec->directory);
	struct vfs_handle h = { .len = rec->handle_len };
	int r;

	if (h.len > sizeof(h.data))
		return -ESTALE;
	memcpy(h.data, rec->handle, h.len);
	if (rec->persistent && !rec->directory)
		flags |= VFS_SYNC;
	r = vfs_open_handle(c->req->tree->share->vfs, &h, rec->path ?: "", flags, &c->file);
	return r < 0 ? r : vfs_stat(c->file, &c->st);
}

/* What cannot be opened again stays for another try of the client; what is deleted ends. */
static struct ntstatus give_back(struct create *c, int err)
{
	struct lk_open *lk;

	if (err == -ESTALE || err == -ENOENT) {
		log_info("open lost its file: client=%s path=%s", c->req->conn->name,
			 log_esc(c->open->path));
		file_close_grant(c->req->worker, c->req->tree->share, NULL, NULL, &c->fo->hold);
		return NT_STATUS_OBJECT_NAME_NOT_FOUND;
	}
	lk = lk_take(&c->fo->hold);
	if (lk)
		(void)lockc_disconnect(c->req->worker->lock, lk);
	return req_fail(c->req, err);
}

/* What the first answer to the request said. A record of a lower level does not tell. */
static enum smb2_create_action first_action(const struct rec_open *rec)
{
	return rec->action ? (enum smb2_create_action)(rec->action - 1) : SMB2_FILE_OPENED;
}

/* Makes `c->open` the open of a grant that came from the past. */
static struct ntstatus attach_stored(struct create *c)
{
	struct lk_open *lk = c->fo->hold.lk;
	struct ntstatus s = NT_STATUS_OK;
	int r;

	if (!lk)
		return NT_STATUS_OBJECT_NAME_NOT_FOUND;
	c->in.options = lk->rec.options & ~FILE_OPEN_OPT_OVERWROTE;
	c->in.share_access = lk->rec.share;
	c->action = create_wants_reclaim(c) ? SMB2_FILE_OPENED : first_action(&lk->rec);
	c->maximal = c->granted = c->open->granted_access;
	c->fo->reclaimed = true;
	c->fo->position = lk->position; /* 0 when it was another node's */
	task_shield_begin();
	r = open_stored(c, &lk->rec);
	if (r < 0) {
		vfs_close(TAKE_PTR(c->file));
		s = give_back(c, r);
	} else if (!c->fo->hold.lk) {
		s = NT_STATUS_OBJECT_NAME_NOT_FOUND;
	}
	task_shield_end();
	return s;
}

/* Whether what this worker has under the id is on its way to be disconnected: its client's connections are gone, or it was
 * taken back for a request whose connection is gone. Clients that come back faster than their former requests end
 * must not hear that the open is lost. */
static bool leaving(const struct create *c, uint64_t id)
{
	const struct lk_open *lk = lockc_find(c->req->worker->lock, id);
	const struct lk_holder *h = lk ? lk->user : NULL;

	if (!lk)
		return lockc_reclaims(c->req->worker->lock, id);
	if (!guid_equal(&lk->rec.client_guid, &c->req->conn->client_guid))
		return false;
	return lk->rec.disconnected || lk->closing || !h || !h->open || h->open->closing ||
	       !session_connected(h->open->session);
}

#define LEAVING_LOOK_NS (5 * UINT64_C(1000000))
#define LEAVING_WAIT_NS (5000 * UINT64_C(1000000))

/* [task] lockc_reclaim(), past an open that is leaving. -ECANCELED: the connection is gone; nothing is held. */
static int reclaim(struct create *c, const struct lk_reclaim *q, struct lk_open **ret)
{
	struct lockc *lock = c->req->worker->lock;
	uint64_t until = loop_now(loop_current()) + LEAVING_WAIT_NS;
	int r;

	do {
		if (c->req->cancelled)
			return -ECANCELED;
		r = lockc_reclaim(lock, q, ret);
	} while ((r == LK_NOT_FOUND || (r == LK_OK && (*ret)->user)) && leaving(c, q->id) && loop_now(loop_current()) < until &&
		 task_sleep(LEAVING_LOOK_NS) == 0);
	if (r != LK_OK || !c->req->cancelled || (*ret)->user)
		return r;
	(void)lockc_disconnect(lock, *ret);
	return -ECANCELED;
}

struct ntstatus create_reclaim(struct create *c)
{
	bool v2 = c->ctx.present & SMB2_CTX_DH2C;
	struct lk_reclaim q = {
		.id = v2 ? c->ctx.dh2c.file_id.persistent_id : c->ctx.dhnc.persistent_id,
		.v2 = v2,
		.persistent = v2 && (c->ctx.dh2c.flags & SMB2_DHANDLE_FLAG_PERSISTENT) &&
			      c->req->tree->share->conf->continuously_available,
		.create_guid = c->ctx.dh2c.create_guid,
		.client_guid = c->req->conn->client_guid,
		.has_owner = true,
		.owner = c->req->session->owner_sid,
		.share_name = c->req->tree->share->conf->name,
		.path = c->name.path,
		.has_lease = c->ctx.present & SMB2_CTX_RQLS,
		.lease_key = c->ctx.lease.key,
		.has_epoch = (c->ctx.present & SMB2_CTX_RQLS) && c->ctx.lease.version == 2,
		.epoch = c->ctx.lease.epoch,
		.session_id = c->req->session->id,
		.client = c->req->conn->name,
		.volatile_id = c->open->id.volatile_id,
	};
	struct ntstatus s;
	struct lk_open *lk;
	int r = req_pend(c->req, REQ_PEND_DELAY);

	if (r == -ECANCELED)
		return req_cancelled(c->req);
	r = reclaim(c, &q, &lk);
	if (r == -ECANCELED)
		return req_cancelled(c->req);
	if (r != LK_OK)
		return status_refused(c->req, status_of_lock(c->req, r), c->name.path,
				      "reclaim refused");
	if (lk->user) /* still somebody's: the owner would not have said yes */
		return NT_STATUS_OBJECT_NAME_NOT_FOUND;
	if (!c->req->session->takes_back) { /* there may be very many: one line says it */
		c->req->session->takes_back = true;
		log_info("client takes opens back: client=%s first=%s", c->req->conn->name,
			 log_esc(lk->rec.path));
	}
	log_debug("open reclaimed: client=%s path=%s", c->req->conn->name, log_esc(lk->rec.path));
	s = create_hold(c, lk);
	return ntstatus_is_ok(s) ? attach_stored(c) : s;
}

/* The open of a replayed request is here and in use: it is answered once more. */
static struct ntstatus replay_answer(struct create *c, const struct lk_holder *h)
{
	struct open *o = h->open;
	struct file_open *fo = o ? o->priv : NULL;
	int r;

	/* another session of the client is using it: no failed connection is behind this (smbtorture:
	 * replay.durable-reconnect-replay2) */
	if (o && o->published && !o->closing && o->session != c->req->session && session_connected(o->session))
		return status_refused(c->req, NT_STATUS_DUPLICATE_OBJECTID, c->name.path,
				      "replay of an open of another session");
	/* one that is still being made: its response will come by the connection that asked first
	 */
	if (!o || !o->published || o->closing || o->session != c->req->session ||
	    o->tree != c->req->tree)
		return status_refused(c->req, NT_STATUS_FILE_NOT_AVAILABLE, c->name.path,
				      "replay of an open that is being made or closed, or of another tree");
	if (!caching_replays(&h->lk->rec.lease, c->in.oplock_level, &c->ctx))
		return status_refused(c->req, NT_STATUS_ACCESS_DENIED, c->name.path, "replay with another lease");
	r = vfs_stat(fo->file, &c->st);
	if (r < 0)
		return req_fail(c->req, r);
	c->persistent = h->lk->rec.persistent;
	/* not when this request could not have got it, though the open is what it was */
	c->durable = h->lk->rec.durable && !c->persistent &&
		     (rec_lease_keyed(&h->lk->rec.lease) || c->in.oplock_level == SMB2_OPLOCK_LEVEL_BATCH);
	c->timeout_ms = h->lk->rec.timeout_ms;
	file_open_free(TAKE_PTR(c->fo));
	open_drop(c->open);
	c->open = open_ref(o);
	c->file = fo->file;
	c->maximal = c->granted = o->granted_access;
	c->action = first_action(&h->lk->rec);
	c->replayed = true;
	return NT_STATUS_OK;
}

struct ntstatus create_replay_find(struct create *c)
{
	struct lk_open *lk;

	if (!(c->ctx.present & SMB2_CTX_DH2Q))
		return NT_STATUS_OK;
	lk = lockc_replay_find(c->req->worker->lock, &c->req->conn->client_guid,
			       &c->ctx.dh2q.create_guid);
	if (!lk || lk->gone || lk->closing)
		return NT_STATUS_OK;
	if (!c->req->replay) {
		/* 3.3.5.9.10 looks only for opens that can be replayed; of persistent ones that is
		 * all */
		if (lk->rec.consumed && !lk->rec.persistent)
			return NT_STATUS_OK;
		return status_refused(c->req, NT_STATUS_DUPLICATE_OBJECTID, c->name.path,
				      "create GUID used before");
	}
	if (lk->rec.has_owner && !sid_equal(&lk->rec.owner, &c->req->session->owner_sid))
		return status_refused(c->req, NT_STATUS_ACCESS_DENIED, c->name.path,
				      "replay by another user");
	if (lk->rec.consumed)
		return lk->rec.persistent ? NT_STATUS_FILE_NOT_AVAILABLE : NT_STATUS_OK;
	if (!lk->user)
		return NT_STATUS_OK; /* disconnected: the owner will attach it */
	return replay_answer(c, lk->user);
}

struct ntstatus create_replay_take(struct create *c, struct lk_open *lk)
{
	struct lk_holder *h = lk->user;
	struct ntstatus s;

	if (h)
		return replay_answer(c, h);
	/* hold it before anything waits: the owner may close it */
	s = create_hold(c, lk);
	create_undo(c);
	return ntstatus_is_ok(s) ? attach_stored(c) : s;
}
