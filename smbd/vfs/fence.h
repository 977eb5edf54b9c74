/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs of smbd at file systems that know their clients (CephFS): each has a session there, which holds capabilities, and may
 * have writes on their way, when it dies. Who goes on has to end that session first: then the file system refuses
 * what is still on its way and gives the capabilities to others at once, instead of after a minute. Any thread.
 */
#ifndef HF_SMBD_VFS_FENCE_H
#define HF_SMBD_VFS_FENCE_H

#include "node/base/util.h"

/* One run of a node's smbd. */
struct vfs_run {
	uint32_t node;
	uint64_t incarnation;
};

#define VFS_RUNS_MAX 64

/* Who this process is: before the first share is opened. `state_dir` (it lives as long as the process) remembers the runs that
 * are known, also over the end of the whole cluster. `fenced` is called, on any thread, when a file system refuses this
 * run: it must not come back. */
void vfs_fence_self(const struct vfs_run *self, const char *state_dir, void (*fenced)(void));
/* The runs that the cluster goes on with, at most VFS_RUNS_MAX. Those that were known and are not among them are over: their
 * sessions are ended at the file systems that are in use here, in the background, and at others when they come into use. */
void vfs_fence_view(const struct vfs_run *live, size_t n);
/* Whether there are sessions that are being ended. */
bool vfs_fence_pending(void);
/* [task] Waits until that is done, for a limited time: what does not answer is logged and goes on being tried. */
void vfs_fence_wait(void);

#endif
