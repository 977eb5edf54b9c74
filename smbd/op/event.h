/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one event of a change: where changes of names and files are told to those who watch (MS-FSA
 * 2.1.4.1), and to those who cache the directory (2.1.4.12). Each change calls one of these once it
 * has happened, before its client hears of it. They cost a comparison as long as nobody watches
 * anything. All are [task], on a worker's thread, not interruptible, and never fail: what cannot be
 * told is told to be missed.
 *
 * `filter` is a set of SMB2_NOTIFY_CHANGE_*; paths are those of smbd/vfs/vfs.h.
 */
#ifndef HF_SMBD_OP_EVENT_H
#define HF_SMBD_OP_EVENT_H

#include "smbd/notify/notify.h"
#include "smbd/op/file_open.h"
#include "smbd/wire/smb2.h"

/* Where a change is made, and by whom. */
struct event_at {
	struct worker *worker;
	struct smb_share *share;
	struct ntf_by by; /* the lease on the directory that it does not break */
	enum ntf_audience audience;
};
/* By an open with this record (NULL: by none). Nothing of it is kept. */
struct event_at event_at(struct worker *w, struct smb_share *share, const struct rec_open *by);
/* By this open, in its own share. */
struct event_at event_by(const struct file_open *fo);

/* A name came (SMB2_ACTION_ADDED) or went (SMB2_ACTION_REMOVED). */
void event_name(const struct event_at *at, const char *path, bool directory, uint32_t action);
/* `from` became `to`: within one directory a pair, else one went here and one came there. */
void event_renamed(const struct event_at *at, const char *from, const char *to, bool directory);
/* The file of this path was changed. */
void event_modified(const struct event_at *at, const char *path, uint32_t filter);
/* The same of an open file, wherever it is now. */
void event_file(struct file_open *fo, uint32_t filter);
/* The same for those only who cache the directory: what was set is none of SMB2_NOTIFY_CHANGE_*. */
void event_listed(struct file_open *fo);
/* Its data was written: told a little later, many as one, and at the latest when it is closed. Who
 * caches the directory hears of it once, when it is closed, as from Windows. Does not wait. */
void event_written(struct file_open *fo, uint32_t filter);
/* ... told when it is closed and not before, and only to those who watch. */
void event_at_close(struct file_open *fo, uint32_t filter);
/* The open ends: tells what is due. */
void event_close(struct file_open *fo);
/* The directory was marked for deletion: those who watch it hear STATUS_DELETE_PENDING. */
void event_dir_deleted(struct worker *w, const struct file_key *key);
/* Waits until no task of this worker tells any more; its opens have ended. */
void event_stop(struct worker *w);

#endif
