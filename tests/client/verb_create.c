/* SPDX-License-Identifier: GPL-3.0-or-later */
/* create, reclaim, close. One thread. */
#include <inttypes.h>

#include "node/base/guid.h"
#include "smbd/wire/close.h"
#include "smbd/wire/create_ctx.h"
#include "tests/client/verbs.h"

#define CREATE_OPTIONS                                                                                                     \
	" access share disposition options attributes oplock impersonation dh2q persistent durable timeout guid lease "    \
	"lease_key lease_version parent_key epoch mxac qfid alsi app app_version twrp secd exta ctx nocontexts dh2c dhnc " \
	"volatile rawname "

static const struct named accesses[] = {
	{ "read", SMB2_FILE_GENERIC_READ },
	{ "write", SMB2_FILE_GENERIC_WRITE },
	{ "execute", SMB2_FILE_GENERIC_EXECUTE },
	{ "all", SMB2_FILE_ALL_ACCESS },
	{ "delete", SMB2_DELETE },
	{ "max", SMB2_MAXIMUM_ALLOWED },
	{ "generic_read", SMB2_GENERIC_READ },
	{ "generic_write", SMB2_GENERIC_WRITE },
	{ "generic_all", SMB2_GENERIC_ALL },
	{ "generic_execute", SMB2_GENERIC_EXECUTE },
	{ "read_data", SMB2_FILE_READ_DATA },
	{ "write_data", SMB2_FILE_WRITE_DATA },
	{ "append", SMB2_FILE_APPEND_DATA },
	{ "read_attributes", SMB2_FILE_READ_ATTRIBUTES },
	{ "write_attributes", SMB2_FILE_WRITE_ATTRIBUTES },
	{ "read_ea", SMB2_FILE_READ_EA },
	{ "write_ea", SMB2_FILE_WRITE_EA },
	{ "read_control", SMB2_READ_CONTROL },
	{ "write_dac", SMB2_WRITE_DAC },
	{ "write_owner", SMB2_WRITE_OWNER },
	{ "synchronize", SMB2_SYNCHRONIZE },
	{ "list", SMB2_FILE_READ_DATA },
	{ "traverse", SMB2_FILE_EXECUTE },
	{ "delete_child", SMB2_FILE_DELETE_CHILD },
	{ "system_security", SMB2_ACCESS_SYSTEM_SECURITY },
	{ NULL, 0 },
};
static const struct named shares[] = {
	{ "r", 1 },  { "w", 2 },  { "d", 4 },	{ "rw", 3 },
	{ "rd", 5 }, { "wd", 6 }, { "rwd", 7 }, { NULL, 0 },
};
static const struct named dispositions[] = {
	{ "supersede", SMB2_FILE_SUPERSEDE },
	{ "open", SMB2_FILE_OPEN },
	{ "create", SMB2_FILE_CREATE },
	{ "open_if", SMB2_FILE_OPEN_IF },
	{ "overwrite", SMB2_FILE_OVERWRITE },
	{ "overwrite_if", SMB2_FILE_OVERWRITE_IF },
	{ NULL, 0 },
};
static const struct named options[] = {
	{ "dir", SMB2_FILE_DIRECTORY_FILE },
	{ "nondir", SMB2_FILE_NON_DIRECTORY_FILE },
	{ "write_through", SMB2_FILE_WRITE_THROUGH },
	{ "unbuffered", SMB2_FILE_NO_INTERMEDIATE_BUFFERING },
	{ "delete_on_close", SMB2_FILE_DELETE_ON_CLOSE },
	{ "by_id", SMB2_FILE_OPEN_BY_FILE_ID },
	{ "backup", SMB2_FILE_OPEN_FOR_BACKUP_INTENT },
	{ "reparse", SMB2_FILE_OPEN_REPARSE_POINT },
	{ "no_ea", SMB2_FILE_NO_EA_KNOWLEDGE },
	{ "sequential", SMB2_FILE_SEQUENTIAL_ONLY },
	{ "random", SMB2_FILE_RANDOM_ACCESS },
	{ NULL, 0 },
};
static const struct named attributes[] = {
	{ "readonly", SMB2_FILE_ATTRIBUTE_READONLY },
	{ "hidden", SMB2_FILE_ATTRIBUTE_HIDDEN },
	{ "system", SMB2_FILE_ATTRIBUTE_SYSTEM },
	{ "directory", SMB2_FILE_ATTRIBUTE_DIRECTORY },
	{ "archive", SMB2_FILE_ATTRIBUTE_ARCHIVE },
	{ "normal", SMB2_FILE_ATTRIBUTE_NORMAL },
	{ "temporary", SMB2_FILE_ATTRIBUTE_TEMPORARY },
	{ NULL, 0 },
};
static const struct named oplocks[] = {
	{ "none", SMB2_OPLOCK_LEVEL_NONE },	      { "ii", SMB2_OPLOCK_LEVEL_II },
	{ "exclusive", SMB2_OPLOCK_LEVEL_EXCLUSIVE }, { "batch", SMB2_OPLOCK_LEVEL_BATCH },
	{ "lease", SMB2_OPLOCK_LEVEL_LEASE },	      { NULL, 0 },
};
static const char *const actions[] = { "superseded", "opened", "created", "overwritten" };

static int opt_flags(struct step *st, const char *key, const struct named *table, uint32_t dflt,
		     uint32_t *ret)
{
	const char *v = step_opt(st, key);

	*ret = dflt;
	return v ? named_flags(st, key, table, v, ret) : 0;
}

static int opt_named(struct step *st, const char *key, const struct named *table, uint32_t dflt,
		     uint32_t *ret)
{
	const char *v = step_opt(st, key);

	*ret = dflt;
	return v ? named_find(st, key, table, v, ret) : 0;
}

static int opt_data(struct step *st, const char *key, struct blob *ret)
{
	const char *v = step_opt(st, key);

	if (v && data_parse(&st->a, v, ret) < 0)
		return step_fail(st, "%s: '%s' is no data", key, v);
	return 0;
}

static int fixed_part(struct step *st, struct smb2_create_req *req)
{
	uint32_t v;
	uint64_t n;
	int r;

	r = opt_flags(st, "access", accesses, SMB2_FILE_GENERIC_READ | SMB2_FILE_GENERIC_WRITE,
		      &req->desired_access);
	if (r == 0)
		r = opt_flags(st, "share", shares, 7, &req->share_access);
	if (r == 0)
		r = opt_named(st, "disposition", dispositions, SMB2_FILE_OPEN_IF,
			      &req->disposition);
	if (r == 0)
		r = opt_flags(st, "options", options, 0, &req->options);
	if (r == 0)
		r = opt_flags(st, "attributes", attributes, SMB2_FILE_ATTRIBUTE_NORMAL,
			      &req->file_attributes);
	if (r == 0)
		r = opt_named(st, "oplock", oplocks,
			      step_flag(st, "lease") ? SMB2_OPLOCK_LEVEL_LEASE : 0, &v);
	if (r == 0)
		r = step_opt_num(st, "impersonation", SMB2_IMPERSONATION_IMPERSONATION, &n);
	if (r < 0)
		return r;
	req->oplock_level = (uint8_t)v;
	req->impersonation_level = (uint32_t)n;
	return 0;
}

/* A path with '/' between its components, unless it is raw. */
static int name_part(struct step *st, const char *path, struct blob *ret)
{
	char *copy = arena_strdup(&st->a, path), *p;

	if (!step_flag(st, "rawname") && strncmp(path, "hex:", 4) != 0)
		for (p = copy; *p; p++)
			if (*p == '/')
				*p = '\\';
	return step_utf16(st, copy, ret);
}

static int lease_part(struct step *st, struct smb2_create_ctxs_req *c)
{
	const char *v = step_opt(st, "lease");
	struct handle *h = st->fresh;
	uint64_t n;
	int r;

	if (!step_flag(st, "lease"))
		return 0;
	c->present |= SMB2_CTX_RQLS;
	h->lease_key = guid_random();
	for (; v && *v; v++)
		c->lease.state |= *v == 'R' ? SMB2_LEASE_READ_CACHING :
				  *v == 'H' ? SMB2_LEASE_HANDLE_CACHING :
				  *v == 'W' ? SMB2_LEASE_WRITE_CACHING :
					      0;
	r = step_opt_num(st, "lease_version", st->conn->dialect >= SMB2_DIALECT_300 ? 2 : 1, &n);
	c->lease.version = (uint8_t)n;
	if (r == 0)
		r = step_opt_guid(st, "lease_key", &h->lease_key);
	if (r == 0)
		r = step_opt_num(st, "epoch", 0, &n);
	c->lease.epoch = (uint16_t)n;
	if (r == 0 && step_opt(st, "parent_key")) {
		c->lease.flags = SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET;
		r = step_opt_guid(st, "parent_key", &c->lease.parent_key);
	}
	c->lease.key = h->lease_key;
	h->lease_state = c->lease.state;
	h->lease_version = c->lease.version;
	return r;
}

static int durable_part(struct step *st, struct smb2_create_ctxs_req *c)
{
	uint64_t n = 0;
	int r = 0;

	if (step_flag(st, "durable"))
		c->present |= SMB2_CTX_DHNQ;
	if (step_flag(st, "dh2q")) {
		c->present |= SMB2_CTX_DH2Q;
		r = step_opt_num(st, "timeout", 0, &n);
		c->dh2q.timeout = (uint32_t)n;
		c->dh2q.flags = step_flag(st, "persistent") ? SMB2_DHANDLE_FLAG_PERSISTENT : 0;
		c->dh2q.create_guid = st->fresh->create_guid;
	}
	return r;
}

static int other_parts(struct step *st, struct smb2_create_ctxs_req *c)
{
	uint64_t n;
	int r = opt_data(st, "secd", &c->secd);

	if (r == 0)
		r = opt_data(st, "exta", &c->exta);
	if (r == 0)
		r = step_opt_num(st, "alsi", 0, &c->allocation_size);
	if (r == 0)
		r = step_opt_num(st, "twrp", 0, &c->twrp);
	if (r == 0)
		r = step_opt_guid(st, "app", &c->app_instance_id);
	if (r == 0)
		r = step_opt_num(st, "app_version", 0, &n);
	if (r < 0)
		return r;
	c->app_version_low = n;
	c->present |= (step_flag(st, "secd") ? SMB2_CTX_SECD : 0) |
		      (step_flag(st, "exta") ? SMB2_CTX_EXTA : 0) |
		      (step_flag(st, "alsi") ? SMB2_CTX_ALSI : 0) |
		      (step_flag(st, "twrp") ? SMB2_CTX_TWRP : 0) |
		      (step_flag(st, "app") ? SMB2_CTX_APP_ID : 0) |
		      (step_flag(st, "app_version") ? SMB2_CTX_APP_VERSION : 0) |
		      (step_flag(st, "mxac") ? SMB2_CTX_MXAC : 0) |
		      (step_flag(st, "qfid") ? SMB2_CTX_QFID : 0);
	return 0;
}

/* ctx=NAME:DATA adds a context with any content; NAME has four letters. */
static int raw_contexts(struct step *st, struct wr *w)
{
	struct smb2_create_ctx_writer cw = smb2_create_ctx_writer(w);
	struct blob data;
	size_t i;

	for (i = 0; i < st->nopts; i++) {
		const char *v = st->opt[i].value;

		if (strcmp(st->opt[i].key, "ctx") != 0)
			continue;
		if (!v || strlen(v) < 5 || v[4] != ':' || data_parse(&st->a, v + 5, &data) < 0)
			return step_fail(st, "ctx needs NAME:DATA");
		smb2_create_ctx_put(&cw, BLOB(v, 4), data);
	}
	return 0;
}

static int send_create(struct step *st, struct msg *m, struct tree *t, const char *path,
		       struct smb2_create_ctxs_req *c)
{
	struct smb2_create_req req = { 0 };
	struct wr w = wr_arena(&st->a, 1 << 20);
	size_t hdr;
	int r = fixed_part(st, &req);

	if (r == 0)
		r = name_part(st, path, &req.name);
	if (r == 0)
		r = lease_part(st, c);
	if (r == 0)
		r = durable_part(st, c);
	if (r == 0)
		r = other_parts(st, c);
	if (r == 0 && !step_flag(st, "ctx"))
		smb2_create_ctxs_req_encode(&w, c);
	if (r == 0)
		r = raw_contexts(st, &w);
	if (r < 0)
		return r;
	req.contexts = wr_blob(&w);
	hdr = step_add(st, m, SMB2_CREATE, t, 0);
	smb2_create_req_encode(&m->w, hdr, &req);
	return 0;
}

static struct handle *fresh_handle(struct step *st, struct tree *t, const char *path)
{
	struct handle *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->tree = t;
	h->path = strdup(path);
	h->create_guid = guid_random();
	snprintf(h->story, sizeof(h->story), "%.30s.%" PRIu64, st->c->obj.name, ++st->w->serial);
	return h;
}

static int prepare_create(struct step *st, struct msg *m)
{
	struct smb2_create_ctxs_req c = { 0 };
	struct tree *t;
	int r = step_tree(st, st->arg[0], &t);

	if (r < 0)
		return r;
	st->fresh = fresh_handle(st, t, st->arg[1]);
	if (!st->fresh)
		return -ENOMEM;
	r = step_opt_guid(st, "guid", &st->fresh->create_guid);
	return r < 0 ? r : send_create(st, m, t, st->arg[1], &c);
}

/* reclaim HANDLE PATH: DH2C (or with dhnc: DHnC) as the handle's owner would; "-" is its own path.
 */
static int prepare_reclaim(struct step *st, struct msg *m)
{
	struct smb2_create_ctxs_req c = { 0 };
	const char *path = st->arg[1];
	struct smb2_fileid id;
	struct handle *f;
	int r = step_handle(st, 0, &id);

	if (r < 0)
		return r;
	if (!st->tree)
		return step_fail(st, "'%s' belongs to no tree", st->arg[0]);
	if (strcmp(path, "-") == 0)
		path = st->handle ? st->handle->path : "";
	f = st->fresh = fresh_handle(st, st->tree, path);
	if (!f)
		return -ENOMEM;
	if (st->handle) {
		memcpy(f->story, st->handle->story, sizeof(f->story));
		f->create_guid = st->handle->create_guid;
		f->persistent = st->handle->persistent;
	}
	r = step_opt_guid(st, "guid", &f->create_guid);
	if (r == 0)
		r = step_opt_num(st, "volatile", id.volatile_id, &id.volatile_id);
	if (step_flag(st, "persistent"))
		f->persistent =
			strcmp(step_opt(st, "persistent") ? step_opt(st, "persistent") : "1",
			       "0") != 0;
	if (step_flag(st, "dhnc")) {
		c.present |= SMB2_CTX_DHNC;
		c.dhnc = id;
	} else {
		c.present |= SMB2_CTX_DH2C;
		c.dh2c.file_id = id;
		c.dh2c.create_guid = f->create_guid;
		c.dh2c.flags = f->persistent ? SMB2_DHANDLE_FLAG_PERSISTENT : 0;
	}
	return r < 0 ? r : send_create(st, m, st->tree, path, &c);
}

/* A reclaimed open stays what it was: its answer has no context that says so (3.3.5.9.12). */
static void tell_contexts(struct step *st, const struct smb2_create_ctxs_resp *c)
{
	struct result *r = &st->res;

	result_num(r, "durable", (c->present & (SMB2_CTX_DHNQ | SMB2_CTX_DH2Q)) != 0);
	result_num(r, "dh2q", (c->present & SMB2_CTX_DH2Q) != 0);
	result_num(r, "persistent",
		   st->verb->prepare == prepare_create ?
			   (c->present & SMB2_CTX_DH2Q) &&
				   (c->dh2q.flags & SMB2_DHANDLE_FLAG_PERSISTENT) :
			   st->fresh->persistent);
	result_num(r, "timeout", c->dh2q.timeout);
	result_num(r, "lease", c->present & SMB2_CTX_RQLS ? c->lease.state : 0);
	result_num(r, "epoch", c->present & SMB2_CTX_RQLS ? c->lease.epoch : 0);
	result_num(r, "mxac", c->mxac.access);
	result_num(r, "mxac_status", c->mxac.status.v);
	result_num(r, "has_mxac", (c->present & SMB2_CTX_MXAC) != 0);
	result_num(r, "has_qfid", (c->present & SMB2_CTX_QFID) != 0);
	if (c->present & SMB2_CTX_QFID)
		result_bytes(r, "qfid", BLOB(c->qfid, sizeof(c->qfid)));
}

static void tell_create(struct step *st, const struct smb2_create_resp *resp)
{
	struct result *r = &st->res;

	result_text(r, "action",
		    resp->action < ARRAY_SIZE(actions) ? actions[resp->action] : "unknown");
	result_num(r, "size", resp->end_of_file);
	result_num(r, "alloc", resp->allocation_size);
	result_num(r, "attributes", resp->file_attributes);
	result_num(r, "isdir", (resp->file_attributes & SMB2_FILE_ATTRIBUTE_DIRECTORY) != 0);
	result_num(r, "oplock", resp->oplock_level);
	result_num(r, "flags", resp->flags);
	result_num(r, "created", resp->creation_time);
	result_num(r, "written", resp->last_write_time);
	result_num(r, "changed", resp->change_time);
	result_num(r, "accessed", resp->last_access_time);
	result_num(r, "pid", resp->file_id.persistent_id);
	result_num(r, "vid", resp->file_id.volatile_id);
}

static int finish_create(struct step *st)
{
	struct smb2_create_ctxs_resp c = { 0 };
	struct smb2_create_resp resp;
	struct handle *h;

	if (!step_ok(st))
		return 0;
	if (smb2_create_resp_decode(st->call.reply, &resp) < 0 ||
	    smb2_create_ctxs_resp_decode(resp.contexts, &c) < 0)
		return -EPROTO;
	tell_create(st, &resp);
	tell_contexts(st, &c);
	h = st->fresh;
	h->id = resp.file_id;
	if (st->verb->prepare == prepare_create)
		h->persistent = (c.present & SMB2_CTX_DH2Q) &&
				(c.dh2q.flags & SMB2_DHANDLE_FLAG_PERSISTENT);
	if (!st->into) /* a handle without a name would be one that nobody can close */
		return 0;
	world_add(st->w, &TAKE_PTR(st->fresh)->obj, OBJ_HANDLE, st->into);
	return 0;
}

static int prepare_close(struct step *st, struct msg *m)
{
	struct smb2_close_req req = { .flags = step_flag(st, "postquery") ?
						       SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB :
						       0 };
	size_t hdr;
	int r = step_handle(st, 0, &req.file_id);

	if (r < 0)
		return r;
	hdr = step_add(st, m, SMB2_CLOSE, st->tree, 0);
	smb2_close_req_encode(&m->w, hdr, &req);
	return 0;
}

static int finish_close(struct step *st)
{
	struct smb2_close_resp resp;

	history_op(st, "close", st->handle);
	if (!step_ok(st))
		return 0;
	if (smb2_close_resp_decode(st->call.reply, &resp) < 0)
		return -EPROTO;
	result_num(&st->res, "flags", resp.flags);
	result_num(&st->res, "size", resp.end_of_file);
	result_num(&st->res, "attributes", resp.file_attributes);
	result_num(&st->res, "written", resp.last_write_time);
	result_num(&st->res, "created", resp.creation_time);
	return 0;
}

/* lost HANDLE: for the history, when it cannot be reclaimed */
static int run_lost(struct step *st)
{
	struct handle *h = world_handle(st->w, st->arg[0]);

	if (!h)
		return step_fail(st, "there is no handle '%s'", st->arg[0]);
	history_lost(st, h);
	return 0;
}

const struct verb verbs_create[] = {
	{ "create", 2, 2, CREATE_OPTIONS, prepare_create, finish_create, NULL },
	{ "reclaim", 2, 2, CREATE_OPTIONS, prepare_reclaim, finish_create, NULL },
	{ "close", 1, 1, " postquery ", prepare_close, finish_close, NULL },
	{ "lost", 1, 1, "", NULL, NULL, run_lost },
	{ NULL, 0, 0, NULL, NULL, NULL, NULL },
};
