/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connection-oriented DCE/RPC PDUs (C706 chapter 12.6, MS-RPCE 2.2.2): pure codecs, little-endian only. */
#ifndef HF_NODE_DCERPC_PDU_H
#define HF_NODE_DCERPC_PDU_H

#include "node/base/guid.h"
#include "node/wire/rd.h"
#include "node/wire/wr.h"

#define DCE_HDR_LEN 16
#define DCE_MAX_FRAG 5840
#define DCE_MIN_FRAG 1432 /* C706 12.6.3.1: every implementation takes this much */
#define DCE_MAX_CTX 32

enum dce_ptype {
	DCE_REQUEST = 0,
	DCE_RESPONSE = 2,
	DCE_FAULT = 3,
	DCE_BIND = 11,
	DCE_BIND_ACK = 12,
	DCE_BIND_NAK = 13,
	DCE_ALTER_CONTEXT = 14,
	DCE_ALTER_CONTEXT_RESP = 15,
	DCE_AUTH3 = 16,
	DCE_CO_CANCEL = 18,
	DCE_ORPHANED = 19,
};

enum dce_pfc { DCE_FIRST_FRAG = 1, DCE_LAST_FRAG = 2, DCE_OBJECT_UUID = 0x80 };

/* Fault statuses (C706 appendix E, MS-RPCE 3.1.1.5.5). */
#define DCE_NCA_OP_RNG_ERROR 0x1c010002u
#define DCE_NCA_UNK_IF 0x1c010003u
#define DCE_NCA_PROTO_ERROR 0x1c01000bu
#define DCE_FAULT_ACCESS_DENIED 0x00000005u
#define DCE_FAULT_NDR 0x000006f7u
#define DCE_FAULT_NO_MEMORY 0x1c00001bu

struct dce_hdr {
	uint8_t ptype, flags;
	uint16_t frag_len, auth_len;
	uint32_t call_id;
};

struct dce_syntax {
	struct guid uuid;
	uint16_t major, minor;
};

struct dce_ctx_item {
	uint16_t id;
	struct dce_syntax abstract;
	bool ndr;         /* NDR 2.0 is among the transfer syntaxes */
	bool feature;     /* a bind-time feature negotiation item (MS-RPCE 3.3.1.5.3) */
};

struct dce_bind {
	uint16_t max_xmit, max_recv;
	uint32_t group;
	unsigned int n_ctx;
	struct dce_ctx_item ctx[DCE_MAX_CTX];
};

struct dce_request {
	uint32_t alloc_hint;
	uint16_t ctx_id, opnum;
	struct blob stub; /* of this fragment */
};

/* Reads the common header. -EBADMSG: not version 5.0, not little-endian, or lengths that cannot be. */
int dce_hdr_decode(struct blob pdu, struct dce_hdr *ret);
/* Decode the body of a whole PDU, header included. -EBADMSG. */
int dce_bind_decode(struct blob pdu, const struct dce_hdr *h, struct dce_bind *ret);
int dce_request_decode(struct blob pdu, const struct dce_hdr *h, struct dce_request *ret);

enum dce_result { DCE_ACCEPTANCE = 0, DCE_PROVIDER_REJECTION = 2, DCE_NEGOTIATE_ACK = 3 };
struct dce_ctx_result {
	enum dce_result result;
	uint16_t reason; /* 1: abstract syntax not supported, 2: transfer syntaxes not supported; features for NEGOTIATE_ACK */
};

/* Append whole PDUs. `ptype` is DCE_BIND_ACK or DCE_ALTER_CONTEXT_RESP. */
void dce_bind_ack_encode(struct wr *w, uint8_t ptype, uint32_t call_id, const struct dce_bind *b, const char *sec_addr,
			 const struct dce_ctx_result *results);
void dce_bind_nak_encode(struct wr *w, uint32_t call_id, uint16_t reason);
void dce_fault_encode(struct wr *w, uint32_t call_id, uint16_t ctx_id, uint32_t status);
/* The response `stub`, cut into fragments of at most `max_frag` bytes. */
void dce_response_encode(struct wr *w, uint32_t call_id, uint16_t ctx_id, struct blob stub, size_t max_frag);
/* For clients (tests): one bind with one context, one request in one fragment. */
void dce_bind_encode(struct wr *w, uint32_t call_id, const struct dce_syntax *abstract);
void dce_request_encode(struct wr *w, uint32_t call_id, uint16_t opnum, struct blob stub);

#endif
