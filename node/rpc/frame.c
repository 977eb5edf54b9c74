/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames to bytes and back. Pure. */
#include "node/rpc/frame.h"

#define HELLO_MAGIC 0x50524648u /* "HFRP" */

int rpc_frame_parse(const void *p, size_t n, size_t max, struct rpc_frame *ret, size_t *ret_size)
{
	struct rd r = rd_init(p, n);
	struct rpc_frame f;
	size_t len;

	if (n < 4) {
		*ret_size = 4;
		return 1;
	}
	len = rd_le32(&r);
	if (len < RPC_HEAD - 4 || len > max)
		return -EBADMSG;
	if (rd_left(&r) < len) {
		*ret_size = 4 + len;
		return 1;
	}
	f.kind = rd_u8(&r);
	f.method = rd_le32(&r);
	f.id = rd_le64(&r);
	f.payload = rd_blob(&r, len - (RPC_HEAD - 4));
	if (rd_end(&r) < 0 || f.kind < RPC_REQUEST || f.kind > RPC_HELLO)
		return -EBADMSG;
	*ret = f;
	*ret_size = 4 + len;
	return 0;
}

void rpc_frame_head(uint8_t *out, enum rpc_kind kind, uint32_t method, uint64_t id, size_t len)
{
	struct wr w = wr_fixed(out, RPC_HEAD);

	assert(len <= RPC_PAYLOAD_MAX);
	wr_le32(&w, (uint32_t)(len + RPC_HEAD - 4));
	wr_u8(&w, (uint8_t)kind);
	wr_le32(&w, method);
	wr_le64(&w, id);
}

uint32_t rpc_version_min(void)
{
	return level_row(level_own().min)->rpc;
}

uint32_t rpc_version_max(void)
{
	return level_row(level_own().max)->rpc;
}

int rpc_hello_parse(struct blob b, struct rpc_hello *ret, uint32_t *ret_version)
{
	struct rpc_hello h = { 0 };
	struct rd r = rd_of(b);
	size_t n;

	if (rd_le32(&r) != HELLO_MAGIC)
		return -EBADMSG;
	h.version = rd_le32(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret_version = h.version;
	if (h.version < rpc_version_min() || h.version > rpc_version_max())
		return 1;
	h.node_id = rd_le32(&r);
	h.worker = rd_le32(&r);
	h.to_worker = rd_le32(&r);
	h.incarnation = rd_le64(&r);
	n = rd_u8(&r);
	if (n > RPC_NAME_MAX)
		return -EBADMSG;
	rd_copy(&r, h.name, n);
	if (rd_end(&r) < 0 || memchr(h.name, 0, n) || rd_left(&r))
		return -EBADMSG;
	*ret = h;
	return 0;
}

void rpc_hello_write(struct wr *w, const struct rpc_hello *h)
{
	size_t n = strnlen(h->name, RPC_NAME_MAX);
	uint8_t head[RPC_HEAD];

	rpc_frame_head(head, RPC_HELLO, 0, 0, 29 + n);
	wr_bytes(w, head, sizeof(head));
	wr_le32(w, HELLO_MAGIC);
	wr_le32(w, h->version ?: rpc_version_min());
	wr_le32(w, h->node_id);
	wr_le32(w, h->worker);
	wr_le32(w, h->to_worker);
	wr_le64(w, h->incarnation);
	wr_u8(w, (uint8_t)n);
	wr_bytes(w, h->name, n);
}

int rpc_error_parse(struct blob b, int *ret_code, struct blob *ret_text)
{
	struct rd r = rd_of(b);
	int32_t code = (int32_t)rd_le32(&r);
	struct blob text = rd_rest(&r);

	/* -errno of the layer, or a handler's code: never 0, and nothing that cannot be negated. */
	if (rd_end(&r) < 0 || code == 0 || code < -4095)
		return -EBADMSG;
	*ret_code = code;
	*ret_text = BLOB(text.data, MIN(text.len, (size_t)RPC_ERROR_TEXT_MAX));
	return 0;
}

void rpc_error_write(struct wr *w, uint64_t id, int code, const char *text)
{
	size_t n = strnlen(text, RPC_ERROR_TEXT_MAX);
	uint8_t head[RPC_HEAD];

	rpc_frame_head(head, RPC_ERROR, 0, id, 4 + n);
	wr_bytes(w, head, sizeof(head));
	wr_le32(w, (uint32_t)code);
	wr_bytes(w, text, n);
}
