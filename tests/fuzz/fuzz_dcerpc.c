/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes as a client of a pipe may send them: the PDU decoder, the association, NDR strings. */
#include "node/dcerpc/assoc.h"
#include "node/dcerpc/ndr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t op_echo(void *ctx, struct arena *a, struct rd *in, struct wr *out)
{
	const char *s = ndr_rd_str_ptr(in, a, 1024);

	if (rd_end(in) < 0)
		return DCE_FAULT_NDR;
	if (s)
		ndr_wr_str(out, a, s);
	return 0;
}

static dce_call_fn *const ops[] = { op_echo, op_echo };
static const struct dce_iface iface = { .syntax = { .uuid = { { 1, 2, 3 } }, .major = 3 }, .ops = ops, .n_ops = 2 };
static const struct dce_iface *const ifaces[] = { &iface };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct dce_assoc *d;
	struct wr w, out;

	if (dce_assoc_new(ifaces, 1, "\\PIPE\\t", NULL, &d) < 0)
		return 0;
	arena_init(&a, 64u << 20);
	w = wr_arena(&a, 1024);
	out = wr_arena(&a, 16u << 20);
	/* half of the inputs meet an association that is bound already */
	if (size && data[0] & 1) {
		dce_bind_encode(&w, 1, &iface.syntax);
		(void)dce_assoc_input(d, wr_blob(&w), &a, &out);
	}
	if (size)
		(void)dce_assoc_input(d, BLOB(data + 1, size - 1), &a, &out);
	dce_assoc_free(d);
	return 0;
}
