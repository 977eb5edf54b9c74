/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of test_vfs share: what each test finds prepared. */
#ifndef HF_TESTS_UNIT_SMBD_VFS_TEST_VFS_H
#define HF_TESTS_UNIT_SMBD_VFS_TEST_VFS_H

#include <cephfs/libcephfs.h>

#include "smbd/vfs/vfs.h"
#include "tests/unit/test.h"

extern char dir[64];                 /* path of the share */
extern struct ceph_mount_info *ceph; /* NULL: a mounted file system */
extern struct vfs *vfs;
extern struct cred *cred;
extern struct arena arena;

/* Makes a file or a directory. */
struct vfs_file *make(const char *path, unsigned int flags);

/* A symbolic link, beside the file server. */
void link_at(const char *name, const char *target);

void snapshots_body(void);

#endif
