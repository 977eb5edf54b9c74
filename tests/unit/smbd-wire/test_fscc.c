/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MS-FSCC: directory entries, file and file system classes, change notifications. */
#include "tests/unit/test.h"

#include "smbd/wire/change_notify.h"
#include "smbd/wire/fscc_dir.h"
#include "smbd/wire/fscc_file.h"
#include "smbd/wire/fscc_fs.h"
#include "tests/unit/arena.h"

#define NAME BLOB("f\0i\0l\0e\0", 8)
#define OTHER BLOB("x\0", 2)

static const uint8_t dir_classes[] = {
	FSCC_FILE_DIRECTORY,	     FSCC_FILE_FULL_DIRECTORY,
	FSCC_FILE_BOTH_DIRECTORY,    FSCC_FILE_NAMES,
	FSCC_FILE_ID_BOTH_DIRECTORY, FSCC_FILE_ID_FULL_DIRECTORY,
	FSCC_FILE_ID_EXTD_DIRECTORY, FSCC_FILE_ID_EXTD_BOTH_DIRECTORY,
};

static const struct fscc_dirent dirent = {
	.file_index = 1,
	.creation_time = 2,
	.last_access_time = 3,
	.last_write_time = 4,
	.change_time = 5,
	.end_of_file = 6,
	.allocation_size = 7,
	.file_attributes = 8,
	.ea_size = 9,
	.reparse_tag = 10,
	.file_id = 11,
	.file_id_128 = { 12, 13 },
	.short_name = { (const uint8_t *)"S\0", 2 },
	.name = { (const uint8_t *)"f\0i\0l\0e\0", 8 },
};

static void check_dir_class(uint8_t c)
{
	struct wr w = wr_arena(&arena, 4096);
	struct fscc_dir_writer dw;
	struct fscc_dirent e = dirent, got;
	struct rd r;

	wr_zero(&w, 8);
	dw = fscc_dir_writer(&w, c, 1000);
	assert_int_equal(fscc_dir_put(&dw, &e), 0);
	assert_int_equal(w.len - 8, fscc_dir_fixed_size(c) + 8);
	e.name = OTHER;
	assert_int_equal(fscc_dir_put(&dw, &e), 0);
	r = rd_init(w.base + 8, w.len - 8);
	assert_int_equal(fscc_dir_next(&r, c, &got), 1);
	assert_true(blob_equal(got.name, NAME));
	assert_int_equal(got.file_index, 1);
	if (c != FSCC_FILE_NAMES) {
		assert_int_equal(got.change_time, 5);
		assert_int_equal(got.allocation_size, 7);
		assert_int_equal(got.file_attributes, 8);
	}
	if (c == FSCC_FILE_ID_BOTH_DIRECTORY || c == FSCC_FILE_ID_FULL_DIRECTORY)
		assert_int_equal(got.file_id, 11);
	if (c == FSCC_FILE_ID_EXTD_DIRECTORY || c == FSCC_FILE_ID_EXTD_BOTH_DIRECTORY) {
		assert_int_equal(got.reparse_tag, 10);
		assert_memory_equal(got.file_id_128, dirent.file_id_128, 16);
	}
	if (c == FSCC_FILE_BOTH_DIRECTORY || c == FSCC_FILE_ID_BOTH_DIRECTORY ||
	    c == FSCC_FILE_ID_EXTD_BOTH_DIRECTORY)
		assert_true(blob_equal(got.short_name, dirent.short_name));
	assert_int_equal(fscc_dir_next(&r, c, &got), 1);
	assert_true(blob_equal(got.name, OTHER));
	assert_int_equal(fscc_dir_next(&r, c, &got), 0);
}

static void test_dir_classes(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(dir_classes); i++)
		check_dir_class(dir_classes[i]);
	assert_false(fscc_dir_class_valid(FSCC_FILE_BASIC));
	assert_int_equal(fscc_dir_fixed_size(FSCC_FILE_BASIC), 0);
}

/* Fixed parts as MS-FSCC draws them. */
static void test_dir_sizes(void **state)
{
	static const uint8_t sizes[] = { 64, 68, 94, 12, 104, 80, 88, 114 };

	for (size_t i = 0; i < ARRAY_SIZE(dir_classes); i++)
		assert_int_equal(fscc_dir_fixed_size(dir_classes[i]), sizes[i]);
}

/* An entry goes in whole or not at all, and the limit counts the padding before it. */
static void test_dir_limit(void **state)
{
	struct fscc_dirent e = { .name = NAME };

	for (size_t limit = 0; limit < 60; limit++) {
		struct wr w = wr_arena(&arena, 4096);
		struct fscc_dir_writer dw = fscc_dir_writer(&w, FSCC_FILE_NAMES, limit);
		unsigned n = 0;

		while (n < 3 && fscc_dir_put(&dw, &e) == 0)
			n++;
		assert_int_equal(n, limit < 20 ? 0 : limit < 44 ? 1 : 2);
		assert_true(w.len <= limit);
		assert_int_equal(wr_end(&w), 0);
	}
}

static void test_dir_lies(void **state)
{
	struct wr w = wr_arena(&arena, 4096);
	struct fscc_dir_writer dw = fscc_dir_writer(&w, FSCC_FILE_NAMES, 1000);
	struct fscc_dirent got;
	struct rd r;

	fscc_dir_put(&dw, &dirent);
	fscc_dir_put(&dw, &dirent);
	for (size_t n = 1; n < w.len; n++) {
		r = rd_init(w.base, n);
		while (fscc_dir_next(&r, FSCC_FILE_NAMES, &got) == 1)
			;
		assert_int_equal(rd_end(&r), -EBADMSG);
	}
	w.base[8] = 13; /* the name is longer than its entry */
	r = rd_of(wr_blob(&w));
	assert_int_equal(fscc_dir_next(&r, FSCC_FILE_NAMES, &got), -EBADMSG);
	w.base[8] = 8;
	w.base[0] = 4; /* an entry inside its own fixed part */
	r = rd_of(wr_blob(&w));
	assert_int_equal(fscc_dir_next(&r, FSCC_FILE_NAMES, &got), -EBADMSG);
}

/* Encodes, checks the length, decodes into `got`, and lets every shorter buffer fail. */
#define FIXED(name, v, got, want_len)                                                     \
	do {                                                                              \
		struct wr w_ = wr_arena(&arena, 4096);                                    \
                                                                                          \
		fscc_##name##_encode(&w_, &(v));                                          \
		assert_int_equal(w_.len, want_len);                                       \
		for (size_t n_ = 0; n_ < w_.len; n_++)                                    \
			assert_int_equal(fscc_##name##_decode(BLOB(w_.base, n_), &(got)), \
					 -EBADMSG);                                       \
		assert_int_equal(fscc_##name##_decode(wr_blob(&w_), &(got)), 0);          \
	} while (0)

static void test_file_classes(void **state)
{
	struct fscc_basic b_got, b = { 1, 2, 3, 4, 5 };
	struct fscc_standard s_got, s = { 1, 2, 3, true, false };
	struct fscc_network_open n_got, n = { 1, 2, 3, 4, 5, 6, 7 };
	struct fscc_attribute_tag t_got, t = { 1, 2 };
	struct fscc_compression c_got, c = { 1, 2, 3, 4, 5 };
	struct fscc_file_id i_got, i = { 1, { 2, 3 } };
	struct fscc_all a_got, a = { b, s, 6, 7, 8, 9, 10, 11, NAME };

	FIXED(basic, b, b_got, fscc_file_fixed_size(FSCC_FILE_BASIC));
	assert_int_equal(b_got.creation_time, 1);
	assert_int_equal(b_got.change_time, 4);
	assert_int_equal(b_got.file_attributes, 5);
	FIXED(standard, s, s_got, fscc_file_fixed_size(FSCC_FILE_STANDARD));
	assert_true(s_got.delete_pending && !s_got.directory && s_got.number_of_links == 3);
	FIXED(network_open, n, n_got, fscc_file_fixed_size(FSCC_FILE_NETWORK_OPEN));
	assert_int_equal(n_got.change_time, 4);
	assert_int_equal(n_got.end_of_file, 6);
	assert_int_equal(n_got.file_attributes, 7);
	FIXED(attribute_tag, t, t_got, fscc_file_fixed_size(FSCC_FILE_ATTRIBUTE_TAG));
	assert_memory_equal(&t, &t_got, sizeof(t));
	FIXED(compression, c, c_got, fscc_file_fixed_size(FSCC_FILE_COMPRESSION));
	assert_int_equal(c_got.cluster_shift, 5);
	FIXED(file_id, i, i_got, fscc_file_fixed_size(FSCC_FILE_ID));
	assert_memory_equal(&i, &i_got, sizeof(i));
	FIXED(all, a, a_got, fscc_file_fixed_size(FSCC_FILE_ALL) + 8);
	assert_int_equal(a_got.position, 9);
	assert_int_equal(a_got.alignment, 11);
	assert_true(blob_equal(a_got.name, NAME));
}

static void test_numbers(void **state)
{
	struct wr w = wr_arena(&arena, 4096);
	struct blob name;
	uint32_t u32;
	uint64_t u64;
	bool flag = false;

	fscc_u32_encode(&w, 0x12345678);
	assert_int_equal(fscc_u32_decode(wr_blob(&w), &u32), 0);
	assert_int_equal(u32, 0x12345678);
	assert_int_equal(fscc_u64_decode(wr_blob(&w), &u64), -EBADMSG);
	w.len = 0;
	fscc_u64_encode(&w, UINT64_MAX - 1);
	assert_int_equal(fscc_u64_decode(wr_blob(&w), &u64), 0);
	assert_true(u64 == UINT64_MAX - 1);
	w.len = 0;
	fscc_disposition_encode(&w, true);
	assert_int_equal(fscc_disposition_decode(wr_blob(&w), &flag), 0);
	assert_true(flag);
	w.len = 0;
	fscc_name_encode(&w, NAME);
	assert_int_equal(fscc_name_decode(wr_blob(&w), &name), 0);
	assert_true(blob_equal(name, NAME));
	assert_int_equal(fscc_name_decode(BLOB(w.base, w.len - 1), &name), -EBADMSG);
}

static void test_rename(void **state)
{
	struct fscc_rename got, v = { FSCC_RENAME_REPLACE_IF_EXISTS, 0, NAME };
	struct wr w = wr_arena(&arena, 4096);

	fscc_rename_encode(&w, FSCC_FILE_RENAME, &v);
	/* 2.4.38.2 by hand */
	assert_int_equal(w.len, 28);
	assert_memory_equal(w.base, "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0f\0", 22);
	assert_int_equal(fscc_rename_decode(wr_blob(&w), FSCC_FILE_RENAME, &got), 0);
	assert_int_equal(got.flags, FSCC_RENAME_REPLACE_IF_EXISTS);
	assert_true(blob_equal(got.name, NAME));
	for (size_t n = 0; n < w.len; n++)
		assert_int_equal(fscc_rename_decode(BLOB(w.base, n), FSCC_FILE_LINK, &got),
				 -EBADMSG);
	w.len = 0;
	v.flags = FSCC_RENAME_POSIX_SEMANTICS | FSCC_RENAME_IGNORE_READONLY_ATTRIBUTE;
	fscc_rename_encode(&w, FSCC_FILE_RENAME_EX, &v);
	assert_int_equal(fscc_rename_decode(wr_blob(&w), FSCC_FILE_RENAME_EX, &got), 0);
	assert_int_equal(got.flags, v.flags);
	w.base[16] = 7; /* half a code unit */
	assert_int_equal(fscc_rename_decode(wr_blob(&w), FSCC_FILE_RENAME, &got), -EBADMSG);
	w.base[16] = 0;
	assert_int_equal(fscc_rename_decode(wr_blob(&w), FSCC_FILE_RENAME, &got), -EBADMSG);
}

static void test_streams(void **state)
{
	struct fscc_stream got, a = { 1, 4096, NAME }, b = { 2, 8192, OTHER };
	struct wr w = wr_arena(&arena, 4096);
	size_t last = SIZE_MAX;
	struct rd r;

	fscc_stream_put(&w, 0, &last, &a);
	fscc_stream_put(&w, 0, &last, &b);
	assert_int_equal(last, 32);
	r = rd_of(wr_blob(&w));
	assert_int_equal(fscc_stream_next(&r, &got), 1);
	assert_int_equal(got.allocation_size, 4096);
	assert_int_equal(fscc_stream_next(&r, &got), 1);
	assert_true(blob_equal(got.name, OTHER));
	assert_int_equal(fscc_stream_next(&r, &got), 0);
}

static void test_eas(void **state)
{
	struct fscc_ea got, a = { 0x80, BLOB("name", 4), BLOB("value", 5) },
			    b = { 0, BLOB("other", 5), BLOB(NULL, 0) };
	struct wr w = wr_arena(&arena, 4096);
	size_t last = SIZE_MAX;
	struct blob name;
	struct rd r;

	fscc_ea_put(&w, 0, &last, &a);
	/* 2.4.16 by hand */
	assert_memory_equal(w.base, "\0\0\0\0\x80\4\5\0name\0value", 18);
	fscc_ea_put(&w, 0, &last, &b);
	r = rd_of(wr_blob(&w));
	assert_int_equal(fscc_ea_next(&r, &got), 1);
	assert_true(blob_equal(got.value, a.value) && got.flags == 0x80);
	assert_int_equal(fscc_ea_next(&r, &got), 1);
	assert_true(blob_equal(got.name, b.name) && got.value.len == 0);
	assert_int_equal(fscc_ea_next(&r, &got), 0);
	w.base[12] = 'x'; /* the name does not end */
	r = rd_of(wr_blob(&w));
	assert_int_equal(fscc_ea_next(&r, &got), -EBADMSG);
	w.base[12] = 0;
	w.base[9] = 0; /* it ends early */
	r = rd_of(wr_blob(&w));
	assert_int_equal(fscc_ea_next(&r, &got), -EBADMSG);
	w.len = 0;
	last = SIZE_MAX;
	fscc_ea_name_put(&w, 0, &last, BLOB("one", 3));
	fscc_ea_name_put(&w, 0, &last, BLOB("two2", 4));
	r = rd_of(wr_blob(&w));
	assert_int_equal(fscc_ea_name_next(&r, &name), 1);
	assert_int_equal(fscc_ea_name_next(&r, &name), 1);
	assert_true(blob_equal(name, BLOB("two2", 4)));
	assert_int_equal(fscc_ea_name_next(&r, &name), 0);
}

static void test_fs_classes(void **state)
{
	struct fscc_fs_volume v_got, v = { 1, 2, true, NAME };
	struct fscc_fs_size s_got, s = { 1, 2, 3, 4 };
	struct fscc_fs_full_size f_got, f = { 1, 2, 3, 4, 5 };
	struct fscc_fs_device d_got, d = { FSCC_DEVICE_DISK, FSCC_DEVICE_IS_MOUNTED };
	struct fscc_fs_attribute a_got, a = { 3, 255, NAME };
	struct fscc_fs_control c_got, c = { 1, 2, 3, 4, 5, 6 };
	struct fscc_fs_object_id o_got, o = { { "object" }, { 7 } };
	struct fscc_fs_sector_size z_got, z = { 512, 4096, 4096, 4096, 3, 0, 0 };
	struct wr w = wr_arena(&arena, 4096);
	struct blob label;

	FIXED(fs_volume, v, v_got, fscc_fs_fixed_size(FSCC_FS_VOLUME) + 8);
	assert_true(v_got.supports_objects && blob_equal(v_got.label, NAME));
	FIXED(fs_size, s, s_got, fscc_fs_fixed_size(FSCC_FS_SIZE));
	assert_memory_equal(&s, &s_got, sizeof(s));
	FIXED(fs_full_size, f, f_got, fscc_fs_fixed_size(FSCC_FS_FULL_SIZE));
	assert_memory_equal(&f, &f_got, sizeof(f));
	FIXED(fs_device, d, d_got, fscc_fs_fixed_size(FSCC_FS_DEVICE));
	assert_memory_equal(&d, &d_got, sizeof(d));
	FIXED(fs_attribute, a, a_got, fscc_fs_fixed_size(FSCC_FS_ATTRIBUTE) + 8);
	assert_true(a_got.max_component_length == 255 && blob_equal(a_got.name, NAME));
	FIXED(fs_control, c, c_got, fscc_fs_fixed_size(FSCC_FS_CONTROL));
	assert_int_equal(c_got.flags, 6);
	FIXED(fs_object_id, o, o_got, fscc_fs_fixed_size(FSCC_FS_OBJECT_ID));
	assert_memory_equal(&o, &o_got, sizeof(o));
	FIXED(fs_sector_size, z, z_got, fscc_fs_fixed_size(FSCC_FS_SECTOR_SIZE));
	assert_memory_equal(&z, &z_got, sizeof(z));
	fscc_fs_label_encode(&w, NAME);
	assert_int_equal(fscc_fs_label_decode(wr_blob(&w), &label), 0);
	assert_true(blob_equal(label, NAME));
	assert_int_equal(fscc_fs_fixed_size(99), 0);
	assert_int_equal(fscc_file_fixed_size(200), 0);
}

static void test_notify(void **state)
{
	struct fscc_notify got, a = { SMB2_ACTION_ADDED, OTHER }, b = { SMB2_ACTION_REMOVED, NAME };
	struct wr w = wr_arena(&arena, 4096);
	struct fscc_notify_writer nw = fscc_notify_writer(&w, 36);
	struct rd r;

	assert_int_equal(fscc_notify_put(&nw, &a), 0);
	assert_int_equal(fscc_notify_put(&nw, &b), 0);
	assert_int_equal(w.len, 36);
	assert_int_equal(fscc_notify_put(&nw, &a), 1);
	r = rd_of(wr_blob(&w));
	assert_int_equal(fscc_notify_next(&r, &got), 1);
	assert_int_equal(got.action, SMB2_ACTION_ADDED);
	assert_int_equal(fscc_notify_next(&r, &got), 1);
	assert_true(blob_equal(got.name, NAME));
	assert_int_equal(fscc_notify_next(&r, &got), 0);
	r = rd_init(w.base, 35);
	assert_int_equal(fscc_notify_next(&r, &got), 1);
	assert_int_equal(fscc_notify_next(&r, &got), -EBADMSG);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_dir_classes),  T(test_dir_sizes),  T(test_dir_limit), T(test_dir_lies),
		T(test_file_classes), T(test_numbers),	  T(test_rename),    T(test_streams),
		T(test_eas),	      T(test_fs_classes), T(test_notify),
	};

	return cmocka_run_group_tests_name("fscc", tests, NULL, NULL);
}
