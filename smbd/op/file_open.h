/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is behind an open of a file or directory (open->priv): the descriptor, the owner's grant,
 * and what the handle remembers. On the home worker's thread.
 */
#ifndef HF_SMBD_OP_FILE_OPEN_H
#define HF_SMBD_OP_FILE_OPEN_H

#include "smbd/lock/lock.h"
#include "smbd/proto/req.h"
#include "smbd/vfs/vfs.h"

struct dir_search;
struct watch;

/* A bit of rec_open.options that no client can set: `access` has FILE_WRITE_DATA for the sake of
 * share modes only, as the file was overwritten by this open without asking for it. */
#define FILE_OPEN_OPT_OVERWROTE 0x80000000u

/* Who holds a grant of the owner: lk->user. The owner may close it at any time that the task waits:
 * `lk` is NULL then. */
struct lk_holder {
	struct lk_open *lk;
	struct open *open; /* NULL: no open was made for it */
	bool deletes; /* its client asked by this open for the deletion of the file */
};

struct file_open {
	struct lk_holder hold; /* .lk NULL: STATUS_FILE_CLOSED */
	struct open *open;
	struct vfs_file *file;
	const struct conn *broken_at; /* where the last break was sent; only to be compared */
	bool through; /* every change is on stable storage before its response */
	uint64_t position; /* FilePositionInformation */
	uint32_t mode; /* FileModeInformation: create options that can be asked back */
	bool keep_mtime; /* a time was set by this handle: its writes do not move it */
	struct timespec mtime;
	struct dir_search *search; /* of QUERY_DIRECTORY; NULL: none began yet */
	struct task_mutex searching;
	struct watch *watch; /* of CHANGE_NOTIFY; NULL: there was no request yet */
	bool reclaimed; /* by DHnC or DH2C: what was watched before is not known here */
	/* smbd/op/event.c */
	struct list written; /* worker->written: changes of it are to be told */
	uint32_t written_filter, close_filter; /* which; which when it is closed */
	bool modified; /* it was written: those who cache the directory hear when it is closed */
	struct task_mutex telling;
};

/* The same name of a file, as the lock layer and as the file system has it. */
static inline struct file_key file_key_of(const struct vfs_file *f)
{
	return (struct file_key){ .volume = f->key.volume, .inode = f->key.ino, .generation = f->key.generation };
}
static inline struct vfs_key vfs_key_of(const struct file_key *k)
{
	return (struct vfs_key){ .volume = k->volume, .ino = k->inode, .generation = k->generation };
}

/* Makes what is behind `o`, without a file yet. NULL: no memory. Freed by end(), or by
 * file_open_free(). */
struct file_open *file_open_new(struct open *o);
/* Closes the file (not the grant) and frees. NULL is allowed. */
void file_open_free(struct file_open *fo);
/* Takes a grant: kind, ids, access, path of the open follow from it. -ENOMEM: it was not taken.
 * Never waits. */
int file_open_hold(struct file_open *fo, struct lk_open *lk) HF_MUST_CHECK;

/* Puts a grant into other hands; never waits. */
static inline void lk_hold(struct lk_holder *h, struct lk_open *lk)
{
	h->lk = lk;
	lk->user = h;
}
/* Takes the grant out of the holder's hands, if it has one. */
static inline struct lk_open *lk_take(struct lk_holder *h)
{
	if (h->lk)
		h->lk->user = NULL;
	return TAKE_PTR(h->lk);
}

/* The file behind the request's open, which counts as used from now on (3.3.5.2.10: no replayed
 * CREATE any more). NULL: a pipe. */
struct file_open *file_open_of(struct smb_req *req);

/* Opening flags of vfs_open() for granted access. */
unsigned int file_open_flags(uint32_t access, bool directory);

static inline struct cred *file_cred(const struct file_open *fo)
{
	return fo->open->session->cred;
}

/* [task] Closes what `h` holds, and deletes the file when it was the last open of a file to be
 * deleted. `file` and `c` may be NULL. Not interruptible. */
void file_close_grant(struct worker *w, struct smb_share *share, const struct cred *c,
		      struct vfs_file *file, struct lk_holder *h);

/* Callbacks for lockc_config; `arg` is the worker. */
void file_open_gone(void *arg, struct lk_open *lk, enum lk_gone why);
int file_unlink_record(void *arg, const struct rec_open *rec);

#endif
