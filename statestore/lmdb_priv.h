/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The LMDB backend: one environment shared by all node processes of one machine (or one node).
 *
 * Databases: meta ("info"), owner (be32 slot -> epoch, node, incarnation), rec (be32 slot, key -> value),
 * res (kind NUL name -> version, value), ctr (name -> number). Every write is a job of one commit thread: what
 * waits is committed together, in order of arrival, with one synchronisation to disk (group commit).
 */
#ifndef HF_STATESTORE_LMDB_PRIV_H
#define HF_STATESTORE_LMDB_PRIV_H

#include <lmdb.h>
#include <pthread.h>

#include "statestore/store_priv.h"

struct store_wait;
struct lmdb_writer; /* the machine-wide writer lock, lmdb_lock.c */

#define LMDB_IDLE_READERS 8

struct lmdb_store {
	struct store store;
	MDB_env *env;
	MDB_dbi meta, owner, rec, res, ctr;
	struct lmdb_writer *writer;
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t cond;
	struct list jobs;      /* struct lmdb_job, in order of arrival */
	bool stop, started;
	MDB_txn *readers[LMDB_IDLE_READERS]; /* entries of the reader table that wait for their next use */
	unsigned int n_readers;
};

/* One write. `apply` runs inside the transaction on the commit thread, and returns an LMDB result: one that
 * is not 0 dooms the whole batch. Its own refusal goes to `status` and must leave nothing changed. */
struct lmdb_job {
	struct list link;
	int (*apply)(struct lmdb_store *s, MDB_txn *txn, struct lmdb_job *job);
	void (*done)(struct lmdb_job *job, int status);
	int status;
	struct store_wait *wait; /* lmdb_job_wait() only */
};

/* Queues a job. Any thread. */
void lmdb_job_submit(struct lmdb_store *s, struct lmdb_job *job);
/* Queues a job and waits for it. [task] */
int lmdb_job_wait(struct lmdb_store *s, struct lmdb_job *job);
int lmdb_commit_start(struct lmdb_store *s);
void lmdb_commit_stop(struct lmdb_store *s);

/* Negative errno for an LMDB result; what LMDB cannot explain is -EIO. */
int lmdb_errno(int rc);

/* The write side of struct store_ops. */
void lmdb_submit(struct store *s, struct store_write *w);
int lmdb_claim(struct store *s, const uint32_t *slots, unsigned int n, const struct store_owner *owner, bool *ret_ok);
int lmdb_res_put(struct store *s, const char *kind, const char *name, struct blob val, uint64_t expect,
		 uint64_t *ret_version);
int lmdb_counter(struct store *s, const char *name, uint64_t at_least, uint64_t add, uint64_t *ret);

/* The read side. Readers are opened under the writer lock, before the commit thread starts. */
int lmdb_readers_open(struct lmdb_store *s);
void lmdb_readers_close(struct lmdb_store *s);
int lmdb_slot_owner(struct store *s, uint32_t slot, struct store_owner *ret);
int lmdb_scan(struct store *s, uint32_t slot, store_each_fn *each, void *arg);
int lmdb_get(struct store *s, uint32_t slot, struct blob key, struct arena *a, struct blob *ret);
int lmdb_used_slots(struct store *s, bool *ret_has);
int lmdb_res_get(struct store *s, const char *kind, const char *name, struct arena *a, struct store_res *ret);
int lmdb_res_list(struct store *s, const char *kind, struct arena *a, struct store_res **ret, size_t *ret_n);
int lmdb_res_revision(struct store *s, uint64_t *ret);

/* Owner entries and numbers as bytes. */
#define LMDB_OWNER_LEN 20
#define LMDB_REC_PREFIX 4
#define LMDB_REVISION "resource revision"
void lmdb_slot_key(uint32_t slot, uint8_t out[LMDB_REC_PREFIX]);
void lmdb_owner_pack(const struct store_owner *o, uint8_t out[LMDB_OWNER_LEN]);
int lmdb_owner_unpack(const MDB_val *v, struct store_owner *ret);
/* Reads a slot's owner in a transaction; a slot that was never claimed has epoch 0. */
int lmdb_owner_get(struct lmdb_store *s, MDB_txn *txn, uint32_t slot, struct store_owner *ret);
/* kind NUL name; returns the length. `out` has STORE_KEY_MAX + 1 bytes. */
size_t lmdb_res_key(const char *kind, const char *name, uint8_t *out);
/* A counter's value in a transaction; 0 when absent. */
int lmdb_ctr_get(struct lmdb_store *s, MDB_txn *txn, const char *name, uint64_t *ret);

/* Opens the writer lock in `dir`. The lock is robust: the death of its holder frees it, and a holder that is
 * stopped (SIGSTOP, debugger) for longer than LMDB_STOPPED_MS while others wait is killed: it is fenced. */
int lmdb_writer_open(const char *dir, struct lmdb_writer **ret);
void lmdb_writer_close(struct lmdb_writer *w);
int lmdb_writer_lock(struct lmdb_writer *w);
void lmdb_writer_unlock(struct lmdb_writer *w);

#endif
