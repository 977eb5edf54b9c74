/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every codec has to keep: encode, decode and encode again gives the same bytes; no prefix and
 * no changed byte of a message reads outside it or gets anything but 0, -EBADMSG or -ENOMEM.
 */
#ifndef HF_TESTS_UNIT_SMBD_WIRE_ROUNDTRIP_H
#define HF_TESTS_UNIT_SMBD_WIRE_ROUNDTRIP_H

#include "smbd/wire/hdr.h"

struct wire_type {
	const char *name;
	uint16_t command;
	bool response;
	size_t size; /* of the struct */
	int (*decode)(struct arena *a, struct blob msg, void *ret);
	void (*encode)(struct wr *w, size_t hdr, const void *v);
};

/* Defines `wire_NAME`, the wire_type of struct smb2_NAME; `decode` and `encode` are expressions of
 * a, msg, ret, w, hdr, v. */
#define WIRE_TYPE(name_, type, command_, response_, decode_expr, encode_expr)               \
	static int name_##_de(struct arena *a, struct blob msg, void *out)                  \
	{                                                                                   \
		type *ret = out;                                                            \
                                                                                            \
		return decode_expr;                                                         \
	}                                                                                   \
	static void name_##_en(struct wr *w, size_t hdr, const void *in)                    \
	{                                                                                   \
		const type *v = in;                                                         \
                                                                                            \
		encode_expr;                                                                \
	}                                                                                   \
	static const struct wire_type wire_##name_ = { #name_,	     command_,	 response_, \
						       sizeof(type), name_##_de, name_##_en }

/* The usual form of the two functions. */
#define WIRE_SMB2(name, command, response)                                                     \
	WIRE_TYPE(name, struct smb2_##name, command, response, smb2_##name##_decode(msg, ret), \
		  smb2_##name##_encode(w, hdr, v))
#define WIRE_SMB2_ARENA(name, command, response)                                                  \
	WIRE_TYPE(name, struct smb2_##name, command, response, smb2_##name##_decode(a, msg, ret), \
		  smb2_##name##_encode(w, hdr, v))

/* Encodes `v` behind a header that is not at the start of its writer; the message is returned in
 * the arena. */
struct blob wire_message(struct arena *a, const struct wire_type *t, const void *v);
/* The whole check; what was decoded is left in `out` (t->size bytes), with arrays in the arena. */
void wire_check(struct arena *a, const struct wire_type *t, const void *v, void *out);

#endif
