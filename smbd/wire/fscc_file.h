/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * File information classes of QUERY_INFO and SET_INFO (MS-FSCC 2.4). Encoders append to `w`; a
 * list's entries are aligned from the mark where the list starts. Decoders take the whole buffer
 * and ignore bytes after the structure: 0 or -EBADMSG, `ret` untouched on failure. Names are
 * UTF-16LE. Times are NTTIME. Pure; any thread.
 *
 * Cutting a reply down to the client's buffer (STATUS_BUFFER_OVERFLOW) is the caller's:
 * fscc_file_fixed_size() says what must fit.
 */
#ifndef HF_SMBD_WIRE_FSCC_FILE_H
#define HF_SMBD_WIRE_FSCC_FILE_H

#include "smbd/wire/hdr.h"

/* In FileBasicInformation: 0 leaves a time as it is; -1 stops, -2 resumes its implicit updates
 * (2.4.7). */
#define FSCC_TIME_KEEP UINT64_C(0)
#define FSCC_TIME_FREEZE UINT64_MAX
#define FSCC_TIME_THAW (UINT64_MAX - 1)

/* Bytes of the class without its variable part: a query with a smaller buffer, or a set with less
 * input, gets STATUS_INFO_LENGTH_MISMATCH. 0 for a class that is not known here. */
size_t fscc_file_fixed_size(uint8_t info_class);

/* FileBasicInformation (4), 40 bytes */
struct fscc_basic {
	uint64_t creation_time, last_access_time, last_write_time, change_time;
	uint32_t file_attributes; /* set: 0 leaves them */
};
void fscc_basic_encode(struct wr *w, const struct fscc_basic *v);
int fscc_basic_decode(struct blob b, struct fscc_basic *ret);

/* FileStandardInformation (5), 24 bytes */
struct fscc_standard {
	uint64_t allocation_size, end_of_file;
	uint32_t number_of_links;
	bool delete_pending, directory;
};
void fscc_standard_encode(struct wr *w, const struct fscc_standard *v);
int fscc_standard_decode(struct blob b, struct fscc_standard *ret);

/* The classes that are one number. */
void fscc_u32_encode(
	struct wr *w,
	uint32_t v); /* Ea (7), Access (8), Mode (16), Alignment (17), DispositionEx (64) */
int fscc_u32_decode(struct blob b, uint32_t *ret);
void fscc_u64_encode(struct wr *w, uint64_t v); /* Internal (6), Position (14), Allocation (19),
						   EndOfFile (20), ValidDataLength (39) */
int fscc_u64_decode(struct blob b, uint64_t *ret);
/* FileDispositionInformation (13) */
void fscc_disposition_encode(struct wr *w, bool delete_pending);
int fscc_disposition_decode(struct blob b, bool *ret_delete_pending);

/* FileDispositionInformationEx (64) */
enum {
	FSCC_DISPOSITION_DELETE = 0x00000001,
	FSCC_DISPOSITION_POSIX_SEMANTICS = 0x00000002,
	FSCC_DISPOSITION_FORCE_IMAGE_SECTION_CHECK = 0x00000004,
	FSCC_DISPOSITION_ON_CLOSE = 0x00000008,
	FSCC_DISPOSITION_IGNORE_READONLY_ATTRIBUTE = 0x00000010,
};

/* FileNameInformation (9), FileAlternateNameInformation (21), FileNormalizedNameInformation (48) */
void fscc_name_encode(struct wr *w, struct blob name);
int fscc_name_decode(struct blob b, struct blob *ret_name);

/* FileAllInformation (18), 100 bytes and the name */
struct fscc_all {
	struct fscc_basic basic;
	struct fscc_standard standard;
	uint64_t index_number; /* Internal */
	uint32_t ea_size;
	uint32_t access;
	uint64_t position;
	uint32_t mode;
	uint32_t alignment;
	struct blob name;
};
void fscc_all_encode(struct wr *w, const struct fscc_all *v);
int fscc_all_decode(struct blob b, struct fscc_all *ret);

/* FileStreamInformation (22): a list */
struct fscc_stream {
	uint64_t size, allocation_size;
	struct blob name; /* ":name:$DATA" */
};
/* Appends an entry. `start` is the mark of the first one, `*last` that of the entry before
 * (SIZE_MAX: none) and is updated. */
void fscc_stream_put(struct wr *w, size_t start, size_t *last, const struct fscc_stream *v);
/* Takes the next entry off a buffer. 1, 0 at the end, or -EBADMSG. */
int fscc_stream_next(struct rd *r, struct fscc_stream *ret);

/* FileCompressionInformation (28), 16 bytes */
struct fscc_compression {
	uint64_t compressed_size;
	uint16_t format; /* 0: none */
	uint8_t unit_shift, chunk_shift, cluster_shift;
};
void fscc_compression_encode(struct wr *w, const struct fscc_compression *v);
int fscc_compression_decode(struct blob b, struct fscc_compression *ret);

/* FileNetworkOpenInformation (34), 56 bytes */
struct fscc_network_open {
	uint64_t creation_time, last_access_time, last_write_time, change_time;
	uint64_t allocation_size, end_of_file;
	uint32_t file_attributes;
};
void fscc_network_open_encode(struct wr *w, const struct fscc_network_open *v);
int fscc_network_open_decode(struct blob b, struct fscc_network_open *ret);

/* FileAttributeTagInformation (35), 8 bytes */
struct fscc_attribute_tag {
	uint32_t file_attributes, reparse_tag;
};
void fscc_attribute_tag_encode(struct wr *w, const struct fscc_attribute_tag *v);
int fscc_attribute_tag_decode(struct blob b, struct fscc_attribute_tag *ret);

/* FileIdInformation (59), 24 bytes */
struct fscc_file_id {
	uint64_t volume_serial;
	uint8_t file_id[16];
};
void fscc_file_id_encode(struct wr *w, const struct fscc_file_id *v);
int fscc_file_id_decode(struct blob b, struct fscc_file_id *ret);

/* FileFullEaInformation (15): a list. Also the data of the ExtA create context. */
struct fscc_ea {
	uint8_t flags; /* 0x80: FILE_NEED_EA */
	struct blob name; /* 8-bit characters without NUL, 1 to 255 */
	struct blob value; /* empty when it is set: remove */
};
void fscc_ea_put(struct wr *w, size_t start, size_t *last, const struct fscc_ea *v);
/* Takes the next entry off a buffer. 1, 0 at the end, or -EBADMSG. */
int fscc_ea_next(struct rd *r, struct fscc_ea *ret);
/* FILE_GET_EA_INFORMATION (2.4.16.1), the input of an EA query: names only. */
void fscc_ea_name_put(struct wr *w, size_t start, size_t *last, struct blob name);
int fscc_ea_name_next(struct rd *r, struct blob *ret_name);

/* FileRenameInformation (10), FileLinkInformation (11) in their SMB2 form (2.4.38.2, 2.4.24.2), and
 * the Ex classes (65, 72), where the first byte is a 32-bit flag word. */
enum {
	FSCC_RENAME_REPLACE_IF_EXISTS = 0x00000001, /* the only one of the plain classes */
	FSCC_RENAME_POSIX_SEMANTICS = 0x00000002,
	FSCC_RENAME_SUPPRESS_PIN_STATE_INHERITANCE = 0x00000004,
	FSCC_RENAME_IGNORE_READONLY_ATTRIBUTE = 0x00000040,
};
struct fscc_rename {
	uint32_t flags; /* FSCC_RENAME_* */
	uint64_t root_directory; /* must be 0 over the network */
	struct blob name; /* never empty, whole code units */
};
/* `info_class`: FSCC_FILE_RENAME, _LINK, _RENAME_EX or _LINK_EX. */
void fscc_rename_encode(struct wr *w, uint8_t info_class, const struct fscc_rename *v);
int fscc_rename_decode(struct blob b, uint8_t info_class, struct fscc_rename *ret);

#endif
