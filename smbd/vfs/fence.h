/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs of smbd at file systems that know their clients (CephFS): each has a session there, which holds capabilities, and may
 * have writes on their way, when it dies. Who goes on has to end that session first: then the file system refuses
 * what is still on its way and gives the capabilities to others at once, instead of after a minute. Any thread.
 */
#ifndef HF_SMBD_VFS_FENCE_H
#define HF_SMBD_VFS_FENCE_H

#include "node/base/util.h"

/* Who this process is: before the first share is opened. `state_dir` remembers the run, so that the next one on this node ends
 * what this one leaves. `fenced` is called, on any thread, when a file system refuses this run: it must not come back. */
void vfs_fence_self(uint32_t node, uint64_t incarnation, const char *state_dir, void (*fenced)(void));
/* That run is over: ends its sessions at the file systems that are in use here, in the background, and at others when they come
 * into use. */
void vfs_fence_dead(uint32_t node, uint64_t incarnation);
/* Whether there are sessions that are being ended. */
bool vfs_fence_pending(void);
/* [task] Waits until that is done, for a limited time: what does not answer is logged and goes on being tried. */
void vfs_fence_wait(void);

#endif
