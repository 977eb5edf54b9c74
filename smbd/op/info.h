/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What CREATE, CLOSE, QUERY_DIRECTORY and QUERY_INFO say about a file in the same way. Home
 * worker's thread. */
#ifndef HF_SMBD_OP_INFO_H
#define HF_SMBD_OP_INFO_H

#include "smbd/op/file_open.h"
#include "smbd/wire/fscc_file.h"
#include "smbd/wire/info.h"

/* Attributes as clients see them: NORMAL when there is none (MS-FSCC 2.6). */
uint32_t info_attributes(const struct vfs_stat *st);
/* FileNetworkOpenInformation: times, sizes, attributes. */
struct fscc_network_open info_network_open(const struct vfs_stat *st);
/* QFid: the file's id and the volume's (MS-SMB2 2.2.14.2.9). */
void info_disk_id(const struct vfs_file *f, uint8_t out[static 32]);
/* "\dir\name" in UTF-16LE as FileNameInformation has it; "\" for the root. -ENOMEM, -EILSEQ. */
int info_name(struct arena *a, const char *path, bool leading, struct blob *ret);

/* One QUERY_INFO while it is answered: classes append to `w`. */
struct query {
	struct smb_req *req;
	const struct smb2_query_info_req *in;
	struct file_open *fo; /* NULL: a pipe */
	struct wr *w;
	size_t fixed; /* bytes that must fit; 0: all of them (a variable part may be cut) */
};
struct ntstatus query_file_info(struct query *q);
struct ntstatus query_fs_info(struct query *q);
struct ntstatus query_security_info(struct query *q);
struct ntstatus query_pipe_info(struct query *q);

/* SET_INFO by type; `buffer` is the client's. */
struct ntstatus set_file_info(struct smb_req *req, struct file_open *fo,
			      const struct smb2_set_info_req *in);
struct ntstatus set_security_info(struct smb_req *req, struct file_open *fo,
				  const struct smb2_set_info_req *in);
struct ntstatus set_rename(struct smb_req *req, struct file_open *fo,
			   const struct smb2_set_info_req *in);
struct ntstatus set_link(struct smb_req *req, struct file_open *fo,
			 const struct smb2_set_info_req *in);
struct ntstatus set_disposition(struct smb_req *req, struct file_open *fo,
				const struct smb2_set_info_req *in);
struct ntstatus set_end_of_file(struct smb_req *req, struct file_open *fo,
				const struct smb2_set_info_req *in);
struct ntstatus set_allocation(struct smb_req *req, struct file_open *fo,
			       const struct smb2_set_info_req *in);
struct ntstatus set_basic(struct smb_req *req, struct file_open *fo,
			  const struct smb2_set_info_req *in);

/* Keeps the times that the handle has set (MS-FSCC 2.4.7), after a change of data. */
void info_keep_times(struct file_open *fo);

#endif
