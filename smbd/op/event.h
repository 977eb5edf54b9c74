/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one event of a change: where changes of names and files are told to those who watch (MS-FSA
 * 2.1.4.1). Each change calls one of these once it has happened, before its client hears of it. They
 * cost a comparison as long as nobody watches anything. All are [task], on a worker's thread, not
 * interruptible, and never fail: what cannot be told is told to be missed.
 *
 * `filter` is a set of SMB2_NOTIFY_CHANGE_*; paths are those of smbd/vfs/vfs.h.
 */
#ifndef HF_SMBD_OP_EVENT_H
#define HF_SMBD_OP_EVENT_H

#include "smbd/op/file_open.h"
#include "smbd/wire/smb2.h"

/* A name came (SMB2_ACTION_ADDED) or went (SMB2_ACTION_REMOVED). */
void event_name(struct worker *w, struct smb_share *share, const char *path, bool directory,
		uint32_t action);
/* `from` became `to`: within one directory a pair, else one went here and one came there. */
void event_renamed(struct worker *w, struct smb_share *share, const char *from, const char *to,
		   bool directory);
/* The file of this path was changed. */
void event_modified(struct worker *w, struct smb_share *share, const char *path, uint32_t filter);
/* The same of an open file, wherever it is now. */
void event_file(struct file_open *fo, uint32_t filter);
/* Its data was written: told a little later, many as one, and at the latest when it is closed.
 * Does not wait. */
void event_written(struct file_open *fo, uint32_t filter);
/* ... told when it is closed and not before. */
void event_at_close(struct file_open *fo, uint32_t filter);
/* The open ends: tells what is due. */
void event_close(struct file_open *fo);
/* The directory was marked for deletion: those who watch it hear STATUS_DELETE_PENDING. */
void event_dir_deleted(struct worker *w, const struct file_key *key);
/* Waits until no task of this worker tells any more; its opens have ended. */
void event_stop(struct worker *w);

#endif
