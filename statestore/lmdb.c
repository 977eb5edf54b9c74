/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening and closing an LMDB store; what it is (uuid, slots, format) and how values look as bytes. */
#include "statestore/lmdb_priv.h"

#include <stdio.h>
#include <sys/stat.h>

#include "node/base/random.h"
#include "node/wire/rd.h"
#include "node/wire/wr.h"

/* Address space only: the file grows with what it holds. */
#define LMDB_MAP_SIZE (64ull << 30)
#define LMDB_READERS 1024

int lmdb_errno(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_MAP_FULL:
		return -ENOSPC;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PANIC:
		return -EUCLEAN;
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_INCOMPATIBLE:
		return -EMEDIUMTYPE;
	default:
		return rc > 0 ? -rc : -EIO;
	}
}

void lmdb_slot_key(uint32_t slot, uint8_t out[LMDB_REC_PREFIX])
{
	struct wr w = wr_fixed(out, LMDB_REC_PREFIX);

	wr_be32(&w, slot);
}

void lmdb_owner_pack(const struct store_owner *o, uint8_t out[LMDB_OWNER_LEN])
{
	struct wr w = wr_fixed(out, LMDB_OWNER_LEN);

	wr_le64(&w, o->epoch);
	wr_le64(&w, o->incarnation);
	wr_le32(&w, o->node);
}

int lmdb_owner_unpack(const MDB_val *v, struct store_owner *ret)
{
	struct rd r = rd_init(v->mv_data, v->mv_size);
	struct store_owner o;

	o.epoch = rd_le64(&r);
	o.incarnation = rd_le64(&r);
	o.node = rd_le32(&r);
	if (rd_end(&r) < 0 || rd_left(&r))
		return -EUCLEAN;
	*ret = o;
	return 0;
}

size_t lmdb_res_key(const char *kind, const char *name, uint8_t *out)
{
	size_t k = strlen(kind) + 1, n = strlen(name);

	memcpy(out, kind, k);
	memcpy(out + k, name, n);
	return k + n;
}

/* Reads the store's description, or writes it into an empty store. */
static int lmdb_describe(struct lmdb_store *s, MDB_txn *txn, const struct store_info *create)
{
	uint8_t buf[STORE_INFO_MAX];
	struct wr w = wr_fixed(buf, sizeof(buf));
	MDB_val k = { 4, "info" }, v;
	int rc = mdb_get(txn, s->meta, &k, &v);

	if (rc == 0)
		return store_info_unpack(BLOB(v.mv_data, v.mv_size), &s->store.info);
	if (rc != MDB_NOTFOUND)
		return lmdb_errno(rc);
	if (!create)
		return -ENOENT;
	s->store.info = *create;
	s->store.info.format = STORE_FORMAT;
	random_bytes(s->store.info.uuid, sizeof(s->store.info.uuid));
	store_info_pack(&s->store.info, &w);
	v = (MDB_val){ w.len, buf };
	return lmdb_errno(mdb_put(txn, s->meta, &k, &v, 0));
}

/* An environment that holds databases but not ours belongs to some other program. */
static int lmdb_check_foreign(MDB_txn *txn)
{
	MDB_dbi main_dbi, meta;
	MDB_stat st;
	int rc = mdb_dbi_open(txn, "meta", 0, &meta);

	if (rc != MDB_NOTFOUND)
		return lmdb_errno(rc);
	rc = mdb_dbi_open(txn, NULL, 0, &main_dbi);
	if (rc == 0)
		rc = mdb_stat(txn, main_dbi, &st);
	if (rc)
		return lmdb_errno(rc);
	return st.ms_entries ? -EMEDIUMTYPE : 0;
}

static int lmdb_setup(struct lmdb_store *s, const struct store_info *create)
{
	struct {
		const char *name;
		MDB_dbi *dbi;
	} dbs[] = { { "meta", &s->meta }, { "owner", &s->owner }, { "rec", &s->rec }, { "res", &s->res },
		    { "ctr", &s->ctr } };
	MDB_txn *txn;
	size_t i;
	int r;

	r = lmdb_errno(mdb_txn_begin(s->env, NULL, 0, &txn));
	if (r < 0)
		return r;
	r = lmdb_check_foreign(txn);
	for (i = 0; i < ARRAY_SIZE(dbs) && r == 0; i++)
		r = lmdb_errno(mdb_dbi_open(txn, dbs[i].name, create ? MDB_CREATE : 0, dbs[i].dbi));
	if (r == 0)
		r = lmdb_describe(s, txn, create);
	if (r < 0) {
		mdb_txn_abort(txn);
		return r;
	}
	return lmdb_errno(mdb_txn_commit(txn));
}

static int lmdb_env(struct lmdb_store *s, const char *dir)
{
	int rc = mdb_env_create(&s->env);

	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, 8);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(s->env, LMDB_READERS);
	if (rc == 0)
		rc = mdb_env_set_mapsize(s->env, LMDB_MAP_SIZE);
	if (rc == 0)
		rc = mdb_env_open(s->env, dir, MDB_NOTLS | MDB_NORDAHEAD, 0600);
	return lmdb_errno(rc);
}

static void lmdb_explain(int r, const char *dir, char *errbuf, size_t errlen)
{
	switch (r) {
	case -EMEDIUMTYPE:
		store_say(errbuf, errlen, "%s holds something that is not a Holdfast state store: name another directory",
			  dir);
		break;
	case -EPROTONOSUPPORT:
		store_say(errbuf, errlen, "%s was written by a newer release of Holdfast: upgrade this node", dir);
		break;
	case -EUCLEAN:
		store_say(errbuf, errlen, "%s is damaged: restore it, or check the disk", dir);
		break;
	case -ENOENT:
		store_say(errbuf, errlen, "%s holds no state store yet: start holdfast-clusterd first", dir);
		break;
	default:
		store_say(errbuf, errlen, "%s cannot be opened as state store: %s", dir, strerror(-r));
	}
}

static void lmdb_free(struct lmdb_store *s)
{
	lmdb_commit_stop(s);
	lmdb_readers_close(s);
	lmdb_writer_close(s->writer);
	if (s->env)
		mdb_env_close(s->env);
	free(s);
}

static int lmdb_open_dir(struct lmdb_store *s, const char *dir, const struct store_info *create)
{
	int dead, r;

	if (create && mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	r = lmdb_writer_open(dir, &s->writer);
	if (r < 0)
		return r;
	r = lmdb_writer_lock(s->writer);
	if (r < 0)
		return r;
	r = lmdb_env(s, dir);
	if (r == 0)
		r = lmdb_setup(s, create);
	if (r == 0)
		(void)mdb_reader_check(s->env, &dead);
	if (r == 0)
		r = lmdb_readers_open(s);
	lmdb_writer_unlock(s->writer);
	return r < 0 ? r : lmdb_commit_start(s);
}

static int lmdb_open(const char *dir, const struct store_info *create, struct store **ret, char *errbuf,
		     size_t errlen)
{
	struct lmdb_store *s;
	int r;

	if (*dir != '/') {
		store_say(errbuf, errlen, "store 'lmdb:%s' needs an absolute directory: lmdb:/DIRECTORY", dir);
		return -EINVAL;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->store.ops = &store_lmdb_ops;
	r = lmdb_open_dir(s, dir, create);
	if (r < 0) {
		lmdb_explain(r, dir, errbuf, errlen);
		lmdb_free(s);
		return r;
	}
	*ret = &s->store;
	return 0;
}

static void lmdb_close(struct store *s)
{
	lmdb_free(container_of(s, struct lmdb_store, store));
}

const struct store_ops store_lmdb_ops = {
	.scheme = "lmdb",
	.open = lmdb_open,
	.close = lmdb_close,
	.submit = lmdb_submit,
	.claim = lmdb_claim,
	.slot_owner = lmdb_slot_owner,
	.scan = lmdb_scan,
	.get = lmdb_get,
	.used_slots = lmdb_used_slots,
	.res_get = lmdb_res_get,
	.res_put = lmdb_res_put,
	.res_list = lmdb_res_list,
	.res_revision = lmdb_res_revision,
	.counter = lmdb_counter,
};
