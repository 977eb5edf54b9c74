/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything around an SMB2 message: the direct-TCP frame, the SMB2 header, compound chains, the
 * transform headers and the SMB1 negotiate that may come first. Pure; no state, any thread.
 *
 * Conventions of all codecs in this folder:
 * - `int X_decode(struct blob msg, struct X *ret)`: `msg` is one element of a compound, from its
 * SMB2 header to its end. 0, or -EBADMSG for anything that does not fit (StructureSize, offsets,
 * lengths); `ret` is untouched on failure. Blobs in `ret` point into `msg`. Names are raw UTF-16LE
 * without terminator.
 * - `void X_encode(struct wr *w, size_t hdr, const struct X *)`: appends the body; `hdr` is the
 * mark where this message's SMB2 header starts in `w`. Failure sticks in `w`.
 * - Decoders with an arena allocate arrays in it and return -ENOMEM when it refuses.
 */
#ifndef HF_SMBD_WIRE_HDR_H
#define HF_SMBD_WIRE_HDR_H

#include "node/wire/rd.h"
#include "node/wire/sid_wire.h"
#include "node/wire/wr.h"
#include "smbd/wire/ntstatus.h"
#include "smbd/wire/smb2.h"

/* --- direct TCP frame, MS-SMB2 2.1 -------------------------------------------------------------
 */

#define SMB2_FRAME_LEN 4
#define SMB2_FRAME_MAX 0xffffffu

/* Decodes the four bytes before a message. 0 with the length of what follows; 1 for a NetBIOS
 * keep-alive (nothing follows, `*ret_len` is 0); -EBADMSG for any other type byte. */
int smb2_frame_decode(const uint8_t frame[SMB2_FRAME_LEN], uint32_t *ret_len);
/* Writes the frame for a message of `len` bytes (at most SMB2_FRAME_MAX). */
void smb2_frame_encode(uint8_t frame[SMB2_FRAME_LEN], uint32_t len);

/* What a message is, by its protocol identifier. */
enum smb2_kind {
	SMB2_KIND_UNKNOWN,
	SMB2_KIND_SMB1, /* FF 'SMB' */
	SMB2_KIND_SMB2, /* FE 'SMB' */
	SMB2_KIND_TRANSFORM, /* FD 'SMB': encrypted */
	SMB2_KIND_COMPRESSED, /* FC 'SMB' */
};

enum smb2_kind smb2_kind_of(struct blob msg);

/* --- SMB2 header, 2.2.1 -------------------------------------------------------------------------
 */

#define SMB2_HDR_LEN 64
#define SMB2_HDR_OFF_STATUS 8
#define SMB2_HDR_OFF_CREDITS 14
#define SMB2_HDR_OFF_FLAGS 16
#define SMB2_HDR_OFF_NEXT 20
#define SMB2_HDR_OFF_SIGNATURE 48
#define SMB2_SIGNATURE_LEN 16

struct smb2_hdr {
	uint16_t command;
	uint16_t credit_charge;
	uint16_t credits; /* asked for, or granted */
	uint16_t channel_sequence; /* requests only: shares its bytes with `status` */
	struct ntstatus status; /* responses only */
	uint32_t flags;
	uint32_t next_command;
	uint64_t message_id;
	uint64_t async_id; /* when flags have ASYNC_COMMAND */
	uint32_t process_id; /* else these two; the first is "Reserved" in the specification */
	uint32_t tree_id;
	uint64_t session_id;
	uint8_t signature[SMB2_SIGNATURE_LEN];
};

/* Decodes the first 64 bytes of `msg`. Checks the protocol identifier and StructureSize only. Fills
 * `channel_sequence` for a request, `status` for a response. */
int smb2_hdr_decode(struct blob msg, struct smb2_hdr *ret);
/* Appends a header and returns the mark where it starts (the `hdr` of the body encoders). Writes
 * `status` when flags have SERVER_TO_REDIR, else `channel_sequence`. */
size_t smb2_hdr_encode(struct wr *w, const struct smb2_hdr *h);

/* The body of a message as a cursor whose offsets count from the header. Checks that
 * `structure_size` is what the body claims; the failure sticks in the cursor. */
struct rd smb2_body(struct blob msg, uint16_t structure_size);
/* Resolves an (offset, length) pair of a body; a non-empty buffer must not start before `min` (the
 * end of the fixed part, counted from the header). */
struct blob smb2_body_buf(struct rd *r, size_t off, size_t len, size_t min);

/* --- compound chains, 3.2.4.1.4 ------------------------------------------------------------------
 */

/* Takes the next element off a chain of plain SMB2 messages. `r` starts as rd_of(whole message). 1:
 * `*ret_msg` is the element (padding included); 0: no more; -EBADMSG: NextCommand is not a multiple
 * of 8, is inside the header, or points past the end, or the element is shorter than a header. */
int smb2_compound_next(struct rd *r, struct blob *ret_msg);
/* Ends the element that starts at `hdr`, another will follow: pads to 8 bytes and patches
 * NextCommand. */
void smb2_compound_link(struct wr *w, size_t hdr);

/* --- transform headers, 2.2.41 and 2.2.42
 * --------------------------------------------------------- */

#define SMB2_TRANSFORM_LEN 52
#define SMB2_TRANSFORM_AAD_OFF 20 /* the 32 bytes from here on are authenticated */
#define SMB2_TRANSFORM_AAD_LEN 32
#define SMB2_TRANSFORM_FLAG_ENCRYPTED 0x0001

struct smb2_transform {
	uint8_t signature[SMB2_SIGNATURE_LEN];
	uint8_t nonce[16]; /* CCM uses 11 bytes, GCM 12 */
	uint32_t original_size;
	uint16_t flags; /* 3.0 and 3.0.2 call it EncryptionAlgorithm; 1 in both */
	uint64_t session_id;
};

/* Decodes the header; `*ret_cipher` is what follows and has `original_size` bytes (-EBADMSG
 * otherwise). */
int smb2_transform_decode(struct blob msg, struct smb2_transform *ret, struct blob *ret_cipher);
/* Writes the 52 bytes; the caller fills in the signature afterwards (offset 4). */
void smb2_transform_encode(uint8_t out[SMB2_TRANSFORM_LEN], const struct smb2_transform *t);

#define SMB2_COMPRESSION_LEN 16

struct smb2_compression {
	uint32_t original_size;
	uint16_t algorithm;
	uint16_t flags; /* SMB2_COMPRESSION_FLAG_CHAINED: the first payload's header is in
			   algorithm, flags and offset */
	uint32_t offset; /* bytes that are not compressed, before the payload */
};

/* Decodes an unchained (or the start of a chained) compression header; `*ret_rest` is what follows
 * it. */
int smb2_compression_decode(struct blob msg, struct smb2_compression *ret, struct blob *ret_rest);
void smb2_compression_encode(struct wr *w, const struct smb2_compression *c);

/* --- SMB1 negotiate, MS-SMB2 3.3.5.3
 * -------------------------------------------------------------- */

struct smb1_negotiate {
	bool smb2_002; /* offers "SMB 2.002" */
	bool smb2_wild; /* offers "SMB 2.???" */
	unsigned n_dialects;
	uint16_t flags2, pid, mid;
};

/* Decodes an SMB_COM_NEGOTIATE request: only the dialects matter. -EBADMSG for any other SMB1
 * message. */
int smb1_negotiate_decode(struct blob msg, struct smb1_negotiate *ret);
/* Appends a multi-protocol negotiate request that offers "NT LM 0.12" and what `n` names (for the
 * test client). */
void smb1_negotiate_encode(struct wr *w, const struct smb1_negotiate *n);

#endif
