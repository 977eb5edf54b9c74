/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The properties that every codec has to keep. */
#include "tests/unit/test.h"

#include "tests/fuzz/wire_dispatch.h"
#include "tests/unit/smbd-wire/roundtrip.h"

#define BEFORE 24 /* bytes in front of the header */

struct blob wire_message(struct arena *a, const struct wire_type *t, const void *v)
{
	struct smb2_hdr h = {
		.command = t->command,
		.flags = t->response ? SMB2_FLAGS_SERVER_TO_REDIR : 0,
		.message_id = 7,
	};
	struct wr w = wr_arena(a, 1 << 20);
	size_t hdr;

	wr_zero(&w, BEFORE);
	hdr = smb2_hdr_encode(&w, &h);
	assert_int_equal(hdr, BEFORE);
	t->encode(&w, hdr, v);
	assert_int_equal(wr_end(&w), 0);
	return BLOB(w.base + hdr, w.len - hdr);
}

/* Decodes a copy that has exactly `n` bytes, with the command's own decoder and with all that look
 * inside it. */
static int decode_copy(const struct wire_type *t, const uint8_t *p, size_t n)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t *copy = malloc(n ? n : 1);
	void *out;
	int e;

	arena_init(&a, 1 << 20);
	out = arena_zalloc(&a, t->size);
	assert_non_null(copy);
	assert_non_null(out);
	memcpy(copy, p, n);
	e = t->decode(&a, BLOB(copy, n), out);
	assert_true(e == 0 || e == -EBADMSG || e == -ENOMEM);
	if (t->response)
		(void)wire_dispatch_response(&a, BLOB(copy, n));
	else
		(void)wire_dispatch_request(&a, BLOB(copy, n));
	free(copy);
	return e;
}

static void sweep(struct arena *a, const struct wire_type *t, struct blob msg)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x04, 0x08, 0x7f, 0x80, 0xf8, 0xff };
	uint8_t *m = arena_memdup(a, msg.data, msg.len);

	assert_non_null(m);
	for (size_t n = 0; n < msg.len; n++) {
		int e = decode_copy(t, m, n);

		if (n < SMB2_HDR_LEN + 2)
			assert_int_equal(e, -EBADMSG);
	}
	for (size_t at = SMB2_HDR_LEN; at < msg.len; at++) {
		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			m[at] = values[i];
			(void)decode_copy(t, m, msg.len);
		}
		m[at] = msg.data[at];
	}
	m[SMB2_HDR_LEN]++; /* StructureSize */
	assert_int_equal(decode_copy(t, m, msg.len), -EBADMSG);
}

void wire_check(struct arena *a, const struct wire_type *t, const void *v, void *out)
{
	struct blob first = wire_message(a, t, v), second;

	if (t->decode(a, first, out) < 0)
		fail_msg("%s does not decode", t->name);
	second = wire_message(a, t, out);
	if (!blob_equal(first, second))
		fail_msg("%s changes when it is encoded again", t->name);
	sweep(a, t, first);
}
