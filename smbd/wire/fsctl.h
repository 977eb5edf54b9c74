/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Input and output buffers of file system controls (MS-SMB2 2.2.31.1, 2.2.32; MS-FSCC 2.3).
 * Decoders take the IOCTL's buffer: 0 or -EBADMSG, `ret` untouched on failure. Encoders append to a
 * writer of their own.
 */
#ifndef HF_SMBD_WIRE_FSCTL_H
#define HF_SMBD_WIRE_FSCTL_H

#include "smbd/wire/negotiate.h"

/* FSCTL_VALIDATE_NEGOTIATE_INFO, 2.2.31.4 and 2.2.32.6 */
struct fsctl_validate_negotiate_req {
	uint32_t capabilities;
	struct guid client_guid;
	uint16_t security_mode;
	struct smb2_ids dialects;
};

struct fsctl_validate_negotiate_resp {
	uint32_t capabilities;
	struct guid server_guid;
	uint16_t security_mode;
	uint16_t dialect;
};

int fsctl_validate_negotiate_req_decode(struct arena *a, struct blob in,
					struct fsctl_validate_negotiate_req *ret);
void fsctl_validate_negotiate_req_encode(struct wr *w,
					 const struct fsctl_validate_negotiate_req *v);
int fsctl_validate_negotiate_resp_decode(struct blob out,
					 struct fsctl_validate_negotiate_resp *ret);
void fsctl_validate_negotiate_resp_encode(struct wr *w,
					  const struct fsctl_validate_negotiate_resp *v);

/* FSCTL_QUERY_NETWORK_INTERFACE_INFO, 2.2.32.5 */
struct fsctl_netif {
	uint32_t if_index;
	uint32_t capability; /* SMB2_IF_* */
	uint64_t link_speed; /* bits per second */
	bool ipv6;
	uint8_t addr[16]; /* network order; IPv4 in the first four */
};

/* Appends `n` interfaces. */
void fsctl_netif_encode(struct wr *w, const struct fsctl_netif *v, size_t n);
/* Takes the next interface off the output buffer. 1, 0 at the end, or -EBADMSG. Other address
 * families are -EBADMSG. */
int fsctl_netif_next(struct rd *r, struct fsctl_netif *ret);

/* FSCTL_PIPE_WAIT, MS-FSCC 2.3.49 */
struct fsctl_pipe_wait {
	bool timeout_given;
	uint64_t timeout; /* units of 100 ns */
	struct blob name; /* UTF-16LE, without \pipe\ */
};

int fsctl_pipe_wait_decode(struct blob in, struct fsctl_pipe_wait *ret);
void fsctl_pipe_wait_encode(struct wr *w, const struct fsctl_pipe_wait *v);

/* FSCTL_SET_SPARSE, MS-FSCC 2.3.69: an empty buffer means true. */
int fsctl_set_sparse_decode(struct blob in, bool *ret_sparse);
void fsctl_set_sparse_encode(struct wr *w, bool sparse);

/* FSCTL_SET_ZERO_DATA, MS-FSCC 2.3.71, and the input of FSCTL_QUERY_ALLOCATED_RANGES, 2.3.52. */
struct fsctl_range {
	uint64_t offset;
	uint64_t length;
};

/* -EBADMSG when either end is negative as a signed number, or the end is before the start. */
int fsctl_set_zero_data_decode(struct blob in, struct fsctl_range *ret);
void fsctl_set_zero_data_encode(struct wr *w, struct fsctl_range v);
/* -EBADMSG when offset, length or their sum is negative as a signed number. */
int fsctl_allocated_ranges_req_decode(struct blob in, struct fsctl_range *ret);
/* One {offset, length} pair: the input, or one element of the output. */
void fsctl_allocated_range_encode(struct wr *w, struct fsctl_range v);
/* Takes the next element off the output buffer. 1, 0 at the end, or -EBADMSG. */
int fsctl_allocated_range_next(struct rd *r, struct fsctl_range *ret);

/* FSCTL_SRV_REQUEST_RESUME_KEY, 2.2.32.3 */
#define FSCTL_RESUME_KEY_LEN 24
int fsctl_resume_key_decode(struct blob out, uint8_t ret_key[FSCTL_RESUME_KEY_LEN]);
void fsctl_resume_key_encode(struct wr *w, const uint8_t key[FSCTL_RESUME_KEY_LEN]);

/* FSCTL_SRV_COPYCHUNK and _WRITE, 2.2.31.1 and 2.2.32.1 */
struct fsctl_copychunk {
	uint64_t source_offset, target_offset;
	uint32_t length;
};

struct fsctl_copychunk_req {
	uint8_t source_key[FSCTL_RESUME_KEY_LEN];
	struct fsctl_copychunk *chunks; /* in the arena; may be none */
	size_t n_chunks;
};

struct fsctl_copychunk_resp {
	uint32_t chunks_written, chunk_bytes_written, total_bytes_written;
};

int fsctl_copychunk_req_decode(struct arena *a, struct blob in, struct fsctl_copychunk_req *ret);
void fsctl_copychunk_req_encode(struct wr *w, const struct fsctl_copychunk_req *v);
int fsctl_copychunk_resp_decode(struct blob out, struct fsctl_copychunk_resp *ret);
void fsctl_copychunk_resp_encode(struct wr *w, const struct fsctl_copychunk_resp *v);

/* FSCTL_LMR_REQUEST_RESILIENCY, 2.2.31.3: milliseconds. */
int fsctl_resiliency_decode(struct blob in, uint32_t *ret_timeout);
void fsctl_resiliency_encode(struct wr *w, uint32_t timeout);

#endif
