/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Permission bits and POSIX ACLs: the examples of acl(5). */
#include "tests/unit/test.h"

#include "node/wire/wr.h"
#include "smbd/vfs/perm.h"

#define OWNER 1000
#define GROUP 2000

static const gid_t groups[] = { 3000, 3001 };
static const struct cred owner = { .uid = OWNER, .gid = 9 }, member = { .uid = 1, .gid = GROUP },
			 other = { .uid = 2, .gid = 9 }, root = { .uid = 0 },
			 many = { .uid = 3, .gid = 9, .groups = (gid_t *)groups, .n_groups = 2 };

static unsigned int rights(const struct perm_of *of, const struct cred *c)
{
	unsigned int w, got = 0;

	for (w = 1; w < 8; w *= 2)
		got |= perm_allows(of, c, w) ? w : 0;
	return got;
}

static void test_bits(void **state)
{
	struct perm_of of = { .mode = 0640, .uid = OWNER, .gid = GROUP };

	assert_int_equal(rights(&of, &owner), 6);
	assert_int_equal(rights(&of, &member), 4);
	assert_int_equal(rights(&of, &other), 0);
	assert_int_equal(rights(&of, &root), 7);
	assert_int_equal(rights(&of, NULL), 7);
	of.mode = 0077; /* the first that fits counts, also when it gives less */
	assert_int_equal(rights(&of, &owner), 0);
	of.mode = 0704;
	assert_int_equal(rights(&of, &member), 0);
	assert_int_equal(rights(&of, &other), 4);
	of.gid = 3001;
	assert_int_equal(rights(&of, &many), 0);
}

struct entry {
	uint16_t tag, perm;
	uint32_t id;
};

static struct blob acl(uint8_t *room, size_t size, const struct entry *e, size_t n)
{
	struct wr w = wr_fixed(room, size);

	wr_le32(&w, 2);
	for (size_t i = 0; i < n; i++) {
		wr_le16(&w, e[i].tag);
		wr_le16(&w, e[i].perm);
		wr_le32(&w, e[i].id);
	}
	return BLOB(room, w.len);
}

static void test_acl(void **state)
{
	const struct entry e[] = {
		{ 1, 7, 0 }, { 2, 7, 2 }, { 4, 1, 0 }, { 8, 4, 3000 }, { 8, 2, 3001 }, { 0x10, 6, 0 }, { 0x20, 1, 0 },
	};
	const struct cred nobody = { .uid = 77, .gid = 77 };
	struct perm_of of = { .mode = 0761, .uid = OWNER, .gid = GROUP };
	uint8_t room[128];

	of.acl = acl(room, sizeof(room), e, ARRAY_SIZE(e));
	assert_int_equal(rights(&of, &owner), 7);  /* no mask for the owner */
	assert_int_equal(rights(&of, &other), 6);  /* named, masked */
	assert_int_equal(rights(&of, &member), 0); /* the owning group has search alone, which the mask takes */
	assert_int_equal(perm_allows(&of, &many, 4), true);
	assert_int_equal(perm_allows(&of, &many, 2), true);
	assert_int_equal(perm_allows(&of, &many, 6), false); /* no single entry gives both */
	assert_int_equal(rights(&of, &nobody), 1);
	of.acl.len -= 3; /* cut off: what others have */
	assert_int_equal(rights(&of, &other), 1);
	room[0] = 9; /* a version that nobody knows */
	assert_int_equal(rights(&of, &member), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_bits), cmocka_unit_test(test_acl) };

	return cmocka_run_group_tests_name("perm", tests, NULL, NULL);
}
