/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A listing of a directory that goes on from one QUERY_DIRECTORY to the next. Home worker's thread.
 */
#ifndef HF_SMBD_OP_DIR_SEARCH_H
#define HF_SMBD_OP_DIR_SEARCH_H

#include "smbd/op/file_open.h"
#include "smbd/op/pattern.h"

struct dir_search;

/* One entry as a client sees it. */
struct dir_entry {
	const char *name; /* UTF-8; valid until the next dir_search_*() call */
	struct vfs_stat st;
	uint64_t parent_ino;
};

/* Begins a listing of the open directory for `pattern`, which it takes over, also on failure.
 * -errno. */
int dir_search_new(struct file_open *fo, struct pattern *pattern, struct dir_search **ret);
void dir_search_free(struct dir_search *s);
/* Starts again from the first entry. */
void dir_search_rewind(struct dir_search *s);
/* [task] The next entry that matches: 1; 0: there is none. -errno. */
int dir_search_next(struct dir_search *s, struct file_open *fo, struct dir_entry *ret);
/* Gives the last entry back: it comes again. */
void dir_search_unget(struct dir_search *s);
/* Whether an entry was found since it began. */
bool dir_search_found(const struct dir_search *s);

#endif
