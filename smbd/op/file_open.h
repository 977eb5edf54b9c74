/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is behind an open of a file or directory (open->priv): the descriptor, the owner's grant, and what the handle
 * remembers. On the home worker's thread.
 */
#ifndef HF_SMBD_OP_FILE_OPEN_H
#define HF_SMBD_OP_FILE_OPEN_H

#include "smbd/lock/lock.h"
#include "smbd/proto/req.h"
#include "smbd/vfs/vfs.h"

struct dir_search;

/* A bit of rec_open.options that no client can set: `access` has FILE_WRITE_DATA for the sake of share modes only, as the
 * file was overwritten by this open without asking for it. */
#define FILE_OPEN_OPT_OVERWROTE 0x80000000u

struct file_open {
	struct open *open;
	struct vfs_file *file;
	struct lk_open *lk;       /* NULL: the owner closed it (STATUS_FILE_CLOSED) */
	bool through;             /* every change is on stable storage before its response */
	uint64_t position;        /* FilePositionInformation */
	uint32_t mode;            /* FileModeInformation: create options that can be asked back */
	bool keep_mtime;          /* a time was set by this handle: its writes do not move it */
	struct timespec mtime;
	struct dir_search *search; /* of QUERY_DIRECTORY; NULL: none began yet */
	struct task_mutex searching;
};

/* What CREATE, DH2C and replay set up an open with; everything is taken over on success. */
extern const struct open_ops file_open_ops;

/* Makes `o` the open of `file` as `lk` says: kind, ids, access, path. -ENOMEM: nothing was taken over. */
int file_open_attach(struct open *o, struct vfs_file *file, struct lk_open *lk);

/* The file behind the request's open, which counts as used from now on (3.3.5.2.10: no replayed CREATE any more).
 * NULL: a pipe. */
struct file_open *file_open_of(struct smb_req *req);

/* Opening flags of vfs_open() for granted access. */
unsigned int file_open_flags(uint32_t access, bool directory);

static inline const struct cred *file_cred(const struct file_open *fo) { return fo->open->session->cred; }

/* [task] Closes `lk`, an open without `struct open`, and deletes the file when it was the last one of a file to be
 * deleted. `file` may be NULL. */
void file_lk_close(struct worker *w, struct smb_share *share, const struct cred *c, struct vfs_file *file, struct lk_open *lk);

/* Callbacks for lockc_config; `arg` is the worker. */
void file_open_gone(void *arg, struct lk_open *lk, enum lk_gone why);
int file_unlink_record(void *arg, const struct rec_open *rec);

#endif
