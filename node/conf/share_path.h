/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the files of a share are:
 *
 *	/srv/files                                      a directory of a mounted file system
 *	cephfs:[FS]/DIR[?conf=FILE][&id=NAME][&keyring=FILE]    a directory of a CephFS, without a mount in the kernel
 *
 * FS: the name of the file system, left out where the cluster has one. conf: Ceph's configuration, default
 * /etc/ceph/ceph.conf; id: the Ceph user client.NAME, default admin; keyring: the file with its key, default as Ceph's
 * configuration says. Pure; any thread.
 */
#ifndef HF_NODE_CONF_SHARE_PATH_H
#define HF_NODE_CONF_SHARE_PATH_H

#include "node/conf/conf.h"

#define SHARE_PATH_CEPHFS "cephfs:"

struct share_path {
	bool cephfs;
	const char *path; /* absolute; in the file system */
	/* cephfs; NULL: the default */
	const char *fs, *conf, *id, *keyring;
	/* private: what holds them all */
	char *buf;
	size_t size;
};

/* -EINVAL with one sentence in `err`; -ENOMEM. Free with share_path_done(). */
int share_path_parse(const char *text, struct share_path *ret, struct conf_error *err);
/* -ENOMEM. */
int share_path_copy(const struct share_path *from, struct share_path *ret);
void share_path_done(struct share_path *p);
#define _cleanup_share_path_ _cleanup_(share_path_done)

#endif
