/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file key: names one file of one volume, equal on every node; never a path, never st_dev. A
 * value. */
#ifndef HF_STATESTORE_FILE_KEY_H
#define HF_STATESTORE_FILE_KEY_H

#include "node/base/guid.h"

struct file_key {
	struct guid volume;
	uint64_t inode;
	uint64_t generation;
};

#define FILE_KEY_SIZE 32

static inline bool file_key_equal(const struct file_key *a, const struct file_key *b)
{
	return a->inode == b->inode && a->generation == b->generation &&
	       guid_equal(&a->volume, &b->volume);
}

/* Writes the key's bytes, the same on every machine, to `out`: what slots are hashed from. */
void file_key_bytes(const struct file_key *k, uint8_t out[static FILE_KEY_SIZE]);

#endif
