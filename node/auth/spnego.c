/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPNEGO tokens. No state; any thread. */
#include "node/auth/spnego.h"

#define OID(...)                                                                           \
	{                                                                                  \
		(const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }) \
	}
const struct blob oid_spnego = OID(0x2b, 6, 1, 5, 5, 2);
const struct blob oid_krb5 = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2);
const struct blob oid_ms_krb5 = OID(0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2);
const struct blob oid_ntlmssp = OID(0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 0x0a);

static void decode_mech_list(struct rd *r, struct spnego_init *init)
{
	struct rd outer = der_take(r, DER_CONTEXT(0)), list;
	const uint8_t *start = outer.pos;

	list = der_take(&outer, DER_SEQUENCE);
	if (!rd_ok(&list) || rd_left(&outer)) {
		rd_fail(r);
		return;
	}
	init->mech_list = BLOB(start, (size_t)(outer.pos - start));
	while (rd_left(&list)) {
		struct rd oid = der_take(&list, DER_OID);

		if (rd_ok(&oid) && init->nmechs < SPNEGO_MAX_MECHS)
			init->mechs[init->nmechs++] = rd_rest(&oid);
	}
	if (!rd_ok(&list) || init->nmechs == 0)
		rd_fail(r);
}

int spnego_decode_init(struct blob in, struct spnego_init *ret_init)
{
	struct spnego_init init = { 0 };
	struct rd r = rd_of(in), app, oid, seq, c;

	app = der_take(&r, DER_APPLICATION_0);
	oid = der_take(&app, DER_OID);
	if (!rd_ok(&oid) || !blob_equal(rd_rest(&oid), oid_spnego))
		return -EBADMSG;
	seq = der_take_in(&app, DER_CONTEXT(0), DER_SEQUENCE);
	decode_mech_list(&seq, &init);
	if (der_peek(&seq) == DER_CONTEXT(1)) /* reqFlags: deprecated */
		der_skip(&seq);
	if (der_peek(&seq) == DER_CONTEXT(2)) {
		c = der_take_in(&seq, DER_CONTEXT(2), DER_OCTET_STRING);
		init.has_token = rd_ok(&c);
		init.token = rd_rest(&c);
	}
	while (rd_left(&seq)) /* mechListMIC or negHints: neither means anything in a first token */
		der_skip(&seq);
	if (!rd_ok(&app) || !rd_ok(&seq))
		return -EBADMSG;
	*ret_init = init;
	return 0;
}

static bool take_octets(struct rd *seq, uint8_t outer, struct blob *ret_octets)
{
	struct rd c;

	if (der_peek(seq) != outer)
		return false;
	c = der_take_in(seq, outer, DER_OCTET_STRING);
	*ret_octets = rd_rest(&c);
	return true;
}

int spnego_decode_resp(struct blob in, struct spnego_resp *ret_resp)
{
	struct spnego_resp resp = { .state = SPNEGO_STATE_NONE };
	struct rd r = rd_of(in), seq, c;
	uint8_t state;

	seq = der_take_in(&r, DER_CONTEXT(1), DER_SEQUENCE);
	if (der_peek(&seq) == DER_CONTEXT(0)) {
		c = der_take_in(&seq, DER_CONTEXT(0), DER_ENUMERATED);
		state = rd_u8(&c);
		if (!rd_ok(&c) || rd_left(&c) || state > SPNEGO_REQUEST_MIC)
			return -EBADMSG;
		resp.state = (enum spnego_state)state;
	}
	if (der_peek(&seq) == DER_CONTEXT(1)) {
		c = der_take_in(&seq, DER_CONTEXT(1), DER_OID);
		resp.mech = rd_rest(&c);
	}
	resp.has_token = take_octets(&seq, DER_CONTEXT(2), &resp.token);
	resp.has_mic = take_octets(&seq, DER_CONTEXT(3), &resp.mic);
	while (rd_left(&seq))
		der_skip(&seq);
	if (!rd_ok(&r) || !rd_ok(&seq))
		return -EBADMSG;
	*ret_resp = resp;
	return 0;
}

void spnego_encode_mech_list(struct wr *w, const struct blob *mechs, size_t n)
{
	size_t m = der_begin(w, DER_SEQUENCE);

	for (size_t i = 0; i < n; i++)
		der_put(w, DER_OID, mechs[i]);
	der_end(w, m);
}

static void put_in(struct wr *w, uint8_t outer, uint8_t tag, struct blob content)
{
	size_t m = der_begin(w, outer);

	der_put(w, tag, content);
	der_end(w, m);
}

void spnego_encode_init(struct wr *w, const struct spnego_init *init, bool hint)
{
	static const char hint_name[] = "not_defined_in_RFC4178@please_ignore";
	size_t app = der_begin(w, DER_APPLICATION_0), c, seq, m, s;

	der_put(w, DER_OID, oid_spnego);
	c = der_begin(w, DER_CONTEXT(0));
	seq = der_begin(w, DER_SEQUENCE);
	m = der_begin(w, DER_CONTEXT(0));
	spnego_encode_mech_list(w, init->mechs, init->nmechs);
	der_end(w, m);
	if (init->has_token)
		put_in(w, DER_CONTEXT(2), DER_OCTET_STRING, init->token);
	if (hint) {
		m = der_begin(w, DER_CONTEXT(3));
		s = der_begin(w, DER_SEQUENCE);
		put_in(w, DER_CONTEXT(0), DER_GENERAL_STRING, BLOB(hint_name, strlen(hint_name)));
		der_end(w, s);
		der_end(w, m);
	}
	der_end(w, seq);
	der_end(w, c);
	der_end(w, app);
}

void spnego_encode_resp(struct wr *w, const struct spnego_resp *resp)
{
	size_t c = der_begin(w, DER_CONTEXT(1)), seq = der_begin(w, DER_SEQUENCE);

	if (resp->state != SPNEGO_STATE_NONE)
		put_in(w, DER_CONTEXT(0), DER_ENUMERATED,
		       BLOB((uint8_t[]){ (uint8_t)resp->state }, 1));
	if (resp->mech.len)
		put_in(w, DER_CONTEXT(1), DER_OID, resp->mech);
	if (resp->has_token)
		put_in(w, DER_CONTEXT(2), DER_OCTET_STRING, resp->token);
	if (resp->has_mic)
		put_in(w, DER_CONTEXT(3), DER_OCTET_STRING, resp->mic);
	der_end(w, seq);
	der_end(w, c);
}
