/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Directory entries of QUERY_DIRECTORY (MS-FSCC 2.4.8, 2.4.10, 2.4.14, 2.4.17
 * to 2.4.19, 2.4.20, 2.4.28). One struct for all eight classes; each class uses the fields that it
 * has. Pure; any thread.
 */
#ifndef HF_SMBD_WIRE_FSCC_DIR_H
#define HF_SMBD_WIRE_FSCC_DIR_H

#include "smbd/wire/hdr.h"

#define FSCC_SHORT_NAME_MAX 24

struct fscc_dirent {
	uint32_t file_index;
	uint64_t creation_time, last_access_time, last_write_time, change_time; /* NTTIME */
	uint64_t end_of_file, allocation_size;
	uint32_t file_attributes;
	uint32_t ea_size; /* Full, Both and Id forms; holds the reparse tag when attributes have
			     REPARSE_POINT */
	uint32_t reparse_tag; /* IdExtd forms */
	uint64_t file_id; /* IdFull, IdBoth */
	uint8_t file_id_128[16]; /* IdExtd forms */
	struct blob short_name; /* Both forms: UTF-16LE, at most FSCC_SHORT_NAME_MAX bytes; may be
				   empty */
	struct blob name; /* UTF-16LE */
};

struct fscc_dir_writer {
	struct wr *w;
	uint8_t info_class;
	size_t start; /* where the buffer starts in `w` */
	size_t last; /* mark of the last entry; SIZE_MAX: none yet */
	size_t limit; /* bytes that the client accepts */
};

/* Whether QUERY_DIRECTORY has this class. */
bool fscc_dir_class_valid(uint8_t info_class);
/* Bytes of an entry before its name; 0 for a class that is not valid. An output buffer shorter than
 * this gets STATUS_INFO_LENGTH_MISMATCH. */
size_t fscc_dir_fixed_size(uint8_t info_class);

/* Entries go to the current position of `w`, `limit` bytes at most. The class must be valid. */
struct fscc_dir_writer fscc_dir_writer(struct wr *w, uint8_t info_class, size_t limit);
/* Appends an entry aligned to 8 and links it to the one before. 0, or 1 when it does not fit into
 * the limit (nothing written). */
int fscc_dir_put(struct fscc_dir_writer *dw, const struct fscc_dirent *e);
/* Takes the next entry off a buffer; `r` starts as rd_of(buffer). 1, 0 at the end, or -EBADMSG.
 * Fields that the class does not have are zero. */
int fscc_dir_next(struct rd *r, uint8_t info_class, struct fscc_dirent *ret);

#endif
