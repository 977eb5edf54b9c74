/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text from the wire: UTF-16 and UTF-8 both ways, case, SIDs, GUIDs and log lines. */
#include "node/base/utf.h"
#include "node/log/log.h"
#include "node/wire/sid_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool b)
{
	if (!b)
		abort();
}

/* Folding in place and folding after conversion agree. */
static void check_utf16(struct arena *a, struct blob in)
{
	uint8_t *copy = arena_memdup(a, in.data, in.len);
	struct blob back;
	char *s, *folded;

	if (!copy)
		return;
	utf16_casefold(copy, in.len);
	if (utf8_from_utf16(a, in, &s) < 0)
		return;
	require(utf16_from_utf8(a, s, &back) == 0 && blob_equal(back, in));
	require(utf8_casefold(a, s, &folded) == 0 && utf8_casecmp(s, folded) == 0);
	require(utf16_from_utf8(a, folded, &back) == 0 && blob_equal(back, BLOB(copy, in.len)));
	utf16_upper(copy, in.len);
}

static void check_utf8(struct arena *a, struct blob in)
{
	char *s = arena_alloc(a, in.len + 1), *folded;
	const char *escaped;

	if (!s)
		return;
	if (in.len > 0)
		memcpy(s, in.data, in.len);
	s[in.len] = '\0';
	require(utf8_casecmp(s, s) == 0);
	require((utf8_casefold(a, s, &folded) == 0) == utf8_valid(s, strlen(s)));
	utf8_casehash(s, 1);
	escaped = log_esc_n(in.data, in.len);
	require(strlen(escaped) < 256 && !strpbrk(escaped, "\n\r\x1b"));
}

static void check_names(struct blob in)
{
	char text[SID_STR_SIZE], guid_text[GUID_STR_SIZE];
	struct rd r = rd_of(in), g = r;
	struct guid guid = rd_guid(&g), guid_back;
	struct sid sid = rd_sid(&r), back;

	require(guid_parse(guid_format(&guid, guid_text), &guid_back) == 0);
	require(guid_equal(&guid, &guid_back));
	if (rd_end(&r) == 0) {
		require(sid_parse(sid_format(&sid, text), &back) == 0 && sid_equal(&sid, &back));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct blob in = BLOB(size ? data : (const uint8_t *)"", size);

	arena_init(&a, 1 << 20);
	check_utf16(&a, in);
	check_utf8(&a, in);
	check_names(in);
	return 0;
}
