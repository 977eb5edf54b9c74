/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes of node-to-node RPC, little-endian:
 *   frame  u32 length of what follows, u8 kind, u32 method, u64 call id, payload
 *   hello  u32 magic, u32 version, then by version: u32 node id, u32 worker, u32 wanted worker, u64
 * incarnation, u8 length of the name, name error  i32 code (> 0: the handler's, < 0: -errno of the
 * RPC layer), text Each side's first frame is a hello (or an error that refuses). Pure; nothing
 * here waits.
 */
#ifndef HF_NODE_RPC_FRAME_H
#define HF_NODE_RPC_FRAME_H

#include "node/rpc/rpc.h"
#include "node/wire/rd.h"
#include "node/wire/wr.h"

#define RPC_HEAD 17u /* bytes before the payload */
#define RPC_HELLO_FRAME_MAX 512u /* bytes of a peer's first frame after its length field */
#define RPC_ERROR_TEXT_MAX 200u

enum rpc_kind {
	RPC_REQUEST = 1,
	RPC_REPLY = 2,
	RPC_ONEWAY = 3,
	RPC_ERROR = 4,
	RPC_HELLO = 5,
};

struct rpc_frame {
	enum rpc_kind kind;
	uint32_t method;
	uint64_t id;
	struct blob payload; /* in the bytes that were parsed */
};

/*
 * Looks for one frame at the start of p[0..n), of at most `max` bytes after its length field.
 * 0: it is in *ret and takes *ret_size bytes; 1: it needs *ret_size bytes in all (as far as is
 * known); -EBADMSG.
 */
int rpc_frame_parse(const void *p, size_t n, size_t max, struct rpc_frame *ret,
		    size_t *ret_size) HF_MUST_CHECK;
/* Writes the RPC_HEAD bytes that go before a payload of `len` bytes (at most RPC_PAYLOAD_MAX). */
void rpc_frame_head(uint8_t *out, enum rpc_kind kind, uint32_t method, uint64_t id, size_t len);

/* Reads a hello. 0; 1: of a version that this build does not speak, which is in *ret_version, *ret untouched;
 * -EBADMSG. */
int rpc_hello_parse(struct blob b, struct rpc_hello *ret, uint32_t *ret_version) HF_MUST_CHECK;
/* The versions that this build speaks. */
uint32_t rpc_version_min(void);
uint32_t rpc_version_max(void);
/* Writes a whole hello frame. */
void rpc_hello_write(struct wr *w, const struct rpc_hello *h);

/* Reads the payload of an error frame. -EBADMSG. */
int rpc_error_parse(struct blob b, int *ret_code, struct blob *ret_text) HF_MUST_CHECK;
/* Writes a whole error frame; a long text is cut. */
void rpc_error_write(struct wr *w, uint64_t id, int code, const char *text);

#endif
