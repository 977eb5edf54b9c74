/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RPC frames, hellos and errors as a peer may send them; what was understood is written and read
 * again. */
#include "node/rpc/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_hello(struct blob b)
{
	uint8_t buf[RPC_HEAD + RPC_HELLO_FRAME_MAX];
	struct wr w = wr_fixed(buf, sizeof(buf));
	struct rpc_hello h, again;
	struct rpc_frame f;
	uint32_t version;
	size_t n;

	if (rpc_hello_parse(b, &h, &version) != 0)
		return;
	rpc_hello_write(&w, &h);
	if (wr_end(&w) < 0 || rpc_frame_parse(buf, w.len, RPC_HELLO_FRAME_MAX, &f, &n) != 0 ||
	    n != w.len || !blob_equal(f.payload, b) ||
	    rpc_hello_parse(f.payload, &again, &version) != 0 || strcmp(h.name, again.name) != 0)
		abort();
}

static void check_error(struct blob b)
{
	uint8_t buf[RPC_HEAD + 4 + RPC_ERROR_TEXT_MAX];
	struct wr w = wr_fixed(buf, sizeof(buf));
	struct blob text;
	int code;

	if (rpc_error_parse(b, &code, &text) != 0)
		return;
	if (code == 0 || text.len > RPC_ERROR_TEXT_MAX)
		abort();
	rpc_error_write(&w, 1, code, "");
	if (wr_end(&w) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t head[RPC_HEAD];
	struct rpc_frame f;
	size_t n;
	int r;

	while (size) {
		n = 0;
		r = rpc_frame_parse(data, size, RPC_FRAME_MAX, &f, &n);
		if (r > 0 && n <= size)
			abort();
		if (r != 0)
			break;
		if (n > size || n < RPC_HEAD || f.payload.len != n - RPC_HEAD)
			abort();
		rpc_frame_head(head, f.kind, f.method, f.id, f.payload.len);
		if (memcmp(head, data, RPC_HEAD) != 0)
			abort();
		check_hello(f.payload);
		check_error(f.payload);
		data += n;
		size -= n;
	}
	return 0;
}
