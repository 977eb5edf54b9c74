/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The decision of the file's owner about a CREATE, and what is done to the file once it was
 * granted. Home worker's thread, in the request's task.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "node/base/clock.h"
#include "node/log/log.h"
#include "smbd/lock/lease.h"
#include "smbd/op/create_priv.h"
#include "smbd/op/event.h"
#include "smbd/op/secmap.h"

/* MS-SMB2 3.3.5.9.10: what the client asks for, within our limits. */
static uint32_t timeout_ms(const struct create *c)
{
	const struct tunables *t = &c->req->worker->tunables;
	uint64_t ms = c->ctx.dh2q.timeout ? c->ctx.dh2q.timeout : t->persistent_timeout_ms;

	if (!(c->ctx.present & SMB2_CTX_DH2Q)) /* 3.3.5.9.6 lets the server choose */
		ms = t->persistent_timeout_ms;

	return (uint32_t)MIN(ms, t->persistent_timeout_max_ms);
}

/* What the owner is asked for. Strings are borrowed: lockc_open() copies. */
static void want_fill(const struct create *c, const struct open *o, struct rec_open *w)
{
	const struct session *s = c->req->session;
	const struct vfs_file *f = c->file;
	/* The owner makes nothing durable that gets no handle caching (3.3.5.9.6, .10). */
	bool durable = c->persistent ||
		       (create_durable(c) && !c->past && f->type == VFS_FILE && f->handle.len > 0);

	*w = (struct rec_open){
		.key = file_key_of(f),
		.directory = f->type == VFS_DIR,
		.client_guid = c->req->conn->client_guid,
		.has_create_guid = c->ctx.present & SMB2_CTX_DH2Q,
		.create_guid = c->ctx.dh2q.create_guid,
		.has_app_id =
			(c->ctx.present & SMB2_CTX_APP_ID) && (c->ctx.present & SMB2_CTX_DH2Q),
		.app_id = c->ctx.app_instance_id,
		.has_app_version = c->ctx.present & SMB2_CTX_APP_VERSION,
		.app_version_high = c->ctx.app_version_high,
		.app_version_low = c->ctx.app_version_low,
		.has_owner = true,
		.owner = s->owner_sid,
		.access = c->granted,
		.share = c->in.share_access,
		.options = c->in.options,
		.action = (uint32_t)c->action + 1,
		.allocated = c->created || c->overwrite ? 0 : MAX(c->where.st.allocated, c->where.st.size),
		.persistent = c->persistent,
		.durable = durable,
		.durable_v2 = durable && (c->ctx.present & SMB2_CTX_DH2Q),
		.timeout_ms = durable ? timeout_ms(c) : 0,
		.share_name = (char *)(uintptr_t)o->share->conf->name,
		.user = s->user.name,
		.handle_len = f->handle.len,
		.path = (char *)(uintptr_t)c->where.path,
		.delete_on_close = c->in.options & SMB2_FILE_DELETE_ON_CLOSE,
		.session_id = s->id,
		.volatile_id = o->id.volatile_id,
	};
	if (!c->past) /* nothing changes in a snapshot: there is nothing to break */
		caching_want(c->req, c->in.oplock_level, &c->ctx, w->directory, w->persistent, &w->lease);
	memcpy(w->handle, f->handle.data, f->handle.len);
	snprintf(w->client, sizeof(w->client), "%s", c->req->conn->name);
	if (c->overwrite && !(c->granted & SMB2_FILE_WRITE_DATA)) {
		w->access |= SMB2_FILE_WRITE_DATA;
		w->options |= FILE_OPEN_OPT_OVERWROTE;
	}
}

/* Attributes of a new or overwritten file, where they differ from what it has already. */
static int apply_attributes(struct create *c)
{
	struct vfs_setattr s = { .set_attrs = true };
	bool directory = c->file->type == VFS_DIR;
	uint32_t attrs =
		c->in.file_attributes | (directory ? 0 : (uint32_t)SMB2_FILE_ATTRIBUTE_ARCHIVE);

	attrs &= ~(uint32_t)(SMB2_FILE_ATTRIBUTE_NORMAL | SMB2_FILE_ATTRIBUTE_DIRECTORY);
	if (attrs == (c->st.dos_attrs & ~(uint32_t)SMB2_FILE_ATTRIBUTE_DIRECTORY))
		return 0;
	s.atime.tv_nsec = s.mtime.tv_nsec = s.btime.tv_nsec = UTIME_OMIT;
	s.dos_attrs = attrs;
	return vfs_setattr(c->file, c->req->session->cred, &s);
}

/* SecD, as far as permission bits can say it; what they cannot say is left to the directory's
 * defaults. */
static int apply_secd(struct create *c)
{
	struct secmap_owner who = { .uid = c->st.uid, .gid = c->st.gid };
	uint32_t mode;

	if (!(c->ctx.present & SMB2_CTX_SECD) || !c->created || !c->sd.dacl)
		return 0;
	secmap_owner_sids(c->req->worker->config, &who);
	if (!secmap_to_mode(&c->sd, &who, c->file->type == VFS_DIR, &mode)) {
		log_debug("security descriptor of CREATE not applied: client=%s path=%s",
			  c->req->conn->name, log_esc(c->where.path));
		return 0;
	}
	return vfs_chmod(c->file, c->req->session->cred, mode);
}

/* The owner has agreed: the file becomes what the request says. */
static int change_file(struct create *c)
{
	int r = c->overwrite ? vfs_truncate(c->file, c->req->session->cred, 0) : 0;

	if (r == 0 && (c->overwrite || c->created))
		r = apply_attributes(c);
	if (r == 0)
		r = apply_secd(c);
	if (r == 0 && (c->ctx.present & SMB2_CTX_ALSI) && (c->overwrite || c->created) &&
	    c->file->type == VFS_FILE)
		r = vfs_allocate(c->file, c->ctx.allocation_size);
	if (r == 0 && c->persistent && (c->created || c->overwrite))
		r = vfs_flush(c->file); /* what is promised to survive is on the disk */
	return r == 0 ? vfs_stat(c->file, &c->st) : r;
}

/* Those who watch the directory hear of it. */
static void announce(const struct create *c)
{
	struct event_at at = event_by(c->fo);

	if (c->created)
		event_name(&at, c->where.path, c->file->type == VFS_DIR, SMB2_ACTION_ADDED);
	else if (c->overwrite)
		event_modified(&at, c->where.path,
			       SMB2_NOTIFY_CHANGE_ATTRIBUTES | SMB2_NOTIFY_CHANGE_SIZE |
				       SMB2_NOTIFY_CHANGE_LAST_WRITE);
}

static struct ntstatus granted(struct create *c)
{
	int r = vfs_stat(c->file, &c->st);

	if (r == 0 && c->overwrite)
		r = req_may_serve(c->req);
	if (r < 0)
		return req_fail(c->req, r);
	/* It was unlinked while we opened it: the name is free, or another file's, now. */
	if (c->st.nlink == 0)
		return NT_STATUS_RETRY;
	if (!c->created &&
	    c->in.disposition == SMB2_FILE_CREATE) /* a replay that nobody remembers */
		return NT_STATUS_OBJECT_NAME_COLLISION;
	r = change_file(c);
	if (r < 0)
		return req_fail(c->req, r);
	announce(c);
	return c->fo->hold.lk ? NT_STATUS_OK : NT_STATUS_FILE_CLOSED;
}

/* Removes the file on the way when it is a new one that only we have open: others are kept out
 * first. */
static void forget_new(struct create *c)
{
	struct lockc *lock = c->req->worker->lock;
	struct lk_file_info info;

	if (!c->created || !c->fo->hold.lk || lockc_set_delete(lock, c->fo->hold.lk, true) != LK_OK)
		return;
	if (lockc_query(lock, &c->fo->hold.lk->rec.key, &info) == LK_OK && info.opens == 1)
		return;
	if (c->fo->hold.lk)
		(void)lockc_set_delete(lock, c->fo->hold.lk, false);
}

void create_ungrant(struct create *c)
{
	task_shield_begin();
	forget_new(c);
	c->created = false;
	file_close_grant(c->req->worker, c->req->tree->share, c->req->session->cred, c->file,
			 &c->fo->hold);
	task_shield_end();
}

struct ntstatus create_hold(struct create *c, struct lk_open *lk)
{
	struct lk_holder h = { 0 };

	c->persistent = lk->rec.persistent;
	c->durable = lk->rec.durable && !c->persistent;
	c->timeout_ms = lk->rec.timeout_ms;
	if (file_open_hold(c->fo, lk) == 0)
		return NT_STATUS_OK;
	lk_hold(&h, lk);
	file_close_grant(c->req->worker, c->req->tree->share, c->req->session->cred, c->file, &h);
	return req_fail(c->req, -ENOMEM);
}

/* Somebody else was faster with the file that we have made: it is an existing one then. */
static bool lost_race(struct create *c, int outcome)
{
	if (!c->created || (outcome != LK_SHARING_VIOLATION && outcome != LK_DELETE_PENDING))
		return false;
	c->created = false;
	return true;
}

static void no_news(void *arg, bool gone) {}

/* How long a CREATE waits until everybody knows that changes of its directory are wanted; without
 * that no lease is granted. */
#define DIR_ARM_WAIT (2 * NSEC_PER_SEC)

/* A lease on a directory is asked for: as long as this watch, which nothing matches, lives, its
 * owner hears of every change, and may grant one. -ECANCELED. */
static int arm_directory(struct create *c, const struct rec_open *want, struct ntf_watch **ret)
{
	struct worker *w = c->req->worker;
	struct ntf_want none = { .dir = want->key,
				 .limit = &c->req->session->notify_limit,
				 .ready = no_news };
	int r;

	*ret = NULL;
	if (!want->directory || !(want->lease.state & LEASE_R) || !ntf_active(w->notify) ||
	    ntf_watch_new(w->notify, &none, ret) < 0)
		return 0;
	r = ntf_watch_wait(*ret, loop_now(w->loop) + DIR_ARM_WAIT);
	if (r == -ECANCELED)
		ntf_watch_free(TAKE_PTR(*ret));
	return r == -ECANCELED ? r : 0;
}

/* The client has given the request up while its owner could not be reached, and may have replayed it by another way since, and closed
 * what that got: nobody would come for this open. What a request has changed stays for a replay that is still to come. */
static bool given_up(const struct create *c)
{
	return c->req->cancelled && !c->created && !c->overwrite && !(c->in.options & SMB2_FILE_DELETE_ON_CLOSE);
}

struct ntstatus create_grant(struct create *c)
{
	unsigned int how = c->overwrite ? LK_OPEN_OVERWRITE : 0;
	struct ntf_watch *watch;
	struct rec_open want;
	struct ntstatus s;
	struct lk_open *lk;
	int r;

	want_fill(c, c->open, &want);
	if (want.directory && caching_key_taken(c->req, c->in.oplock_level, &c->ctx, &want.key))
		return status_refused(c->req, NT_STATUS_INVALID_PARAMETER, c->name.path, "lease key of another file");
	/* Waits for the owner, and there for what has to be broken first: then an interim response
	 * goes out. */
	r = req_pend(c->req, REQ_PEND_SLOW);
	if (r != -ECANCELED)
		r = arm_directory(c, &want, &watch);
	if (r == -ECANCELED)
		return req_cancelled(c->req);
	if (c->req->replay && want.has_create_guid)
		how |= LK_OPEN_REPLAY;
	r = lockc_open_waiting(c->req->worker->lock, &want, how, req_pend_now, c->req, &lk);
	ntf_watch_free(watch);
	if (r == LK_REPLAYED)
		return create_replay_take(c, lk);
	if (lost_race(c, r))
		return NT_STATUS_RETRY;
	if (r != LK_OK)
		return status_refused(c->req, status_of_lock(c->req, r), c->name.path,
				      "the file's owner refused");
	s = create_hold(c, lk);
	if (!ntstatus_is_ok(s))
		return s;
	task_shield_begin();
	s = given_up(c) ? req_cancelled(c->req) : granted(c);
	if (!ntstatus_is_ok(s))
		create_ungrant(c);
	task_shield_end();
	return s;
}
