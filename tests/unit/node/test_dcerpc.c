/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DCE/RPC associations: binding, fragments in any cut, faults, and what must end the association. */
#include "tests/unit/test.h"

#include <stdio.h>

#include "node/dcerpc/assoc.h"
#include "node/dcerpc/ndr.h"

static const struct dce_syntax syntax = { .uuid = { { 1, 2, 3 } }, .major = 3 };

/* Answers the string it got, n times. */
static uint32_t op_repeat(void *ctx, struct arena *a, struct rd *in, struct wr *out)
{
	const char *s = ndr_rd_str(in, a, 1000);
	uint32_t i, n = ndr_rd_u32(in);

	if (rd_end(in) < 0 || n > 10000)
		return DCE_FAULT_NDR;
	(*(unsigned int *)ctx)++;
	for (i = 0; i < n; i++)
		ndr_wr_str(out, a, s);
	return 0;
}

static dce_call_fn *const ops[] = { NULL, op_repeat };
static const struct dce_iface iface = { .syntax = { .uuid = { { 1, 2, 3 } }, .major = 3 }, .name = "t", .ops = ops, .n_ops = 2 };
static const struct dce_iface *const ifaces[] = { &iface };

struct fix {
	struct arena a;
	struct dce_assoc *d;
	unsigned int calls;
	struct wr out;
};

static int setup(void **state)
{
	struct fix *f = test_calloc(1, sizeof(*f));

	arena_init(&f->a, 0);
	f->out = wr_arena(&f->a, 1 << 22);
	*state = f;
	return dce_assoc_new(ifaces, 1, "\\PIPE\\t", &f->calls, &f->d);
}

static int teardown(void **state)
{
	struct fix *f = *state;

	dce_assoc_free(f->d);
	arena_reset(&f->a);
	test_free(f);
	return 0;
}

static struct wr writer(struct fix *f)
{
	return wr_arena(&f->a, 1 << 20);
}

static int give(struct fix *f, const struct wr *w)
{
	f->out.len = 0;
	return dce_assoc_input(f->d, wr_blob(w), &f->a, &f->out);
}

static void bind_now(struct fix *f)
{
	struct wr w = writer(f);
	struct dce_hdr h;

	dce_bind_encode(&w, 1, &syntax);
	assert_int_equal(give(f, &w), 0);
	assert_int_equal(dce_hdr_decode(wr_blob(&f->out), &h), 0);
	assert_int_equal(h.ptype, DCE_BIND_ACK);
	assert_int_equal(h.frag_len, f->out.len);
}

static struct wr repeat_request(struct fix *f, const char *s, uint32_t n)
{
	struct wr stub = writer(f), w = writer(f);

	ndr_wr_str(&stub, &f->a, s);
	ndr_wr_u32(&stub, n);
	dce_request_encode(&w, 7, 1, wr_blob(&stub));
	return w;
}

static void test_call_byte_by_byte(void **state)
{
	struct fix *f = *state;
	struct wr w;
	struct dce_hdr h;
	size_t i;

	bind_now(f);
	w = repeat_request(f, "gr\xc3\xb6\xc3\x9f""e", 1);
	f->out.len = 0;
	for (i = 0; i < w.len; i++)
		assert_int_equal(dce_assoc_input(f->d, BLOB(w.base + i, 1), &f->a, &f->out), 0);
	assert_int_equal(f->calls, 1);
	assert_int_equal(dce_hdr_decode(wr_blob(&f->out), &h), 0);
	assert_int_equal(h.ptype, DCE_RESPONSE);
	assert_int_equal(h.call_id, 7);
}

static void test_long_answers_come_in_fragments(void **state)
{
	struct fix *f = *state;
	struct dce_hdr h;
	struct wr w;
	struct rd r;
	unsigned int n = 0;

	bind_now(f);
	w = repeat_request(f, "0123456789", 2000);
	assert_int_equal(give(f, &w), 0);
	for (r = rd_of(wr_blob(&f->out)); rd_left(&r); n++) {
		assert_int_equal(dce_hdr_decode(BLOB(r.pos, rd_left(&r)), &h), 0);
		assert_true(h.frag_len <= 4280);
		assert_int_equal(!!(h.flags & DCE_FIRST_FRAG), n == 0);
		rd_skip(&r, h.frag_len);
		assert_int_equal(!!(h.flags & DCE_LAST_FRAG), rd_left(&r) == 0);
	}
	assert_true(n > 10);
}

static void expect_fault(struct fix *f, const struct wr *w, uint32_t status)
{
	struct dce_hdr h;
	struct rd r;

	assert_int_equal(give(f, w), 0);
	assert_int_equal(dce_hdr_decode(wr_blob(&f->out), &h), 0);
	assert_int_equal(h.ptype, DCE_FAULT);
	r = rd_of(wr_blob(&f->out));
	rd_skip(&r, 24);
	assert_int_equal(rd_le32(&r), status);
}

static void test_faults(void **state)
{
	struct fix *f = *state;
	struct wr w = writer(f);

	bind_now(f);
	dce_request_encode(&w, 8, 0, BLOB(NULL, 0));
	expect_fault(f, &w, DCE_NCA_OP_RNG_ERROR);
	w.len = 0;
	dce_request_encode(&w, 9, 999, BLOB(NULL, 0));
	expect_fault(f, &w, DCE_NCA_OP_RNG_ERROR);
	w.len = 0;
	dce_request_encode(&w, 10, 1, BLOB("\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff", 12));
	expect_fault(f, &w, DCE_FAULT_NDR);
	assert_int_equal(f->calls, 0);
}

static void test_request_before_bind_ends_it(void **state)
{
	struct fix *f = *state;
	struct wr w = repeat_request(f, "x", 1);

	assert_int_equal(give(f, &w), -EBADMSG);
	w.len = 0;
	dce_bind_encode(&w, 1, &syntax);
	assert_int_equal(give(f, &w), -EBADMSG);
}

static void test_fragments_of_another_call_end_it(void **state)
{
	struct fix *f = *state;
	struct wr w;

	bind_now(f);
	w = repeat_request(f, "x", 1);
	w.base[3] = DCE_FIRST_FRAG;
	assert_int_equal(give(f, &w), 0);
	w.base[3] = DCE_LAST_FRAG;
	w.base[12] ^= 1; /* call id */
	assert_int_equal(give(f, &w), -EBADMSG);
	assert_int_equal(f->calls, 0);
}

static void test_endless_request_is_bounded(void **state)
{
	struct fix *f = *state;
	static const uint8_t zeros[4000];
	struct wr w = writer(f);
	unsigned int i;
	int r = 0;

	bind_now(f);
	dce_request_encode(&w, 7, 1, BLOB(zeros, sizeof(zeros)));
	w.base[3] = DCE_FIRST_FRAG;
	for (i = 0; i < 1000 && r == 0; i++) {
		r = give(f, &w);
		w.base[3] = 0;
	}
	assert_int_equal(r, -EMSGSIZE);
	assert_in_range(i, 60, 70);
}

static void test_every_truncation_and_flip_is_survived(void **state)
{
	struct fix *f = *state;
	struct wr b = writer(f), w = repeat_request(f, "abc", 2);
	struct dce_assoc *d;
	struct arena a;
	struct wr out;
	size_t i;

	dce_bind_encode(&b, 1, &syntax);
	for (i = 0; i < w.len * 8; i++) {
		assert_int_equal(dce_assoc_new(ifaces, 1, "\\PIPE\\t", &f->calls, &d), 0);
		arena_init(&a, 64u << 20);
		out = wr_arena(&a, 1 << 20);
		assert_int_equal(dce_assoc_input(d, wr_blob(&b), &a, &out), 0);
		w.base[i / 8] ^= (uint8_t)(1u << i % 8);
		(void)dce_assoc_input(d, BLOB(w.base, w.len), &a, &out);
		w.base[i / 8] ^= (uint8_t)(1u << i % 8);
		arena_reset(&a);
		dce_assoc_free(d);
	}
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_call_byte_by_byte),
		T(test_long_answers_come_in_fragments),
		T(test_faults),
		T(test_request_before_bind_ends_it),
		T(test_fragments_of_another_call_end_it),
		T(test_endless_request_is_bounded),
		T(test_every_truncation_and_flip_is_survived),
	};

	return cmocka_run_group_tests_name("dcerpc", tests, NULL, NULL);
}
