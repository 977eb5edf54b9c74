/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first bytes of a connection: frame, kind of message, SMB1 negotiate. */
#include "smbd/wire/hdr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct blob msg = BLOB(data, size), rest;
	struct smb1_negotiate n;
	struct smb2_compression c;
	struct smb2_transform t;
	struct smb2_hdr h;
	struct rd r = rd_of(msg);
	uint32_t len;

	if (size >= SMB2_FRAME_LEN)
		(void)smb2_frame_decode(data, &len);
	(void)smb2_kind_of(msg);
	(void)smb1_negotiate_decode(msg, &n);
	(void)smb2_hdr_decode(msg, &h);
	if (smb2_transform_decode(msg, &t, &rest) == 0 && rest.len != t.original_size)
		abort();
	(void)smb2_compression_decode(msg, &c, &rest);
	while (smb2_compound_next(&r, &rest) == 1)
		if (rest.len < SMB2_HDR_LEN)
			abort();
	return 0;
}
