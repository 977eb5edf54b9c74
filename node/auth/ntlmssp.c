/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NTLMSSP messages. No state; any thread. */
#include "node/auth/ntlmssp.h"

enum { NEGOTIATE = 1, CHALLENGE = 2, AUTHENTICATE = 3 };

static struct rd begin(struct blob in, uint32_t type)
{
	struct rd r = rd_of(in);
	uint8_t signature[sizeof(NTLM_SIGNATURE)];

	rd_copy(&r, signature, sizeof(signature));
	if (memcmp(signature, NTLM_SIGNATURE, sizeof(signature)) != 0 || rd_le32(&r) != type)
		rd_fail(&r);
	return r;
}

/* Length, maximum length and offset of a payload. */
static struct blob take_field(struct rd *r)
{
	uint16_t len = rd_le16(r);
	uint32_t off;
	struct rd c;

	rd_skip(r, 2);
	off = rd_le32(r);
	c = rd_at(r, off, len);
	return rd_rest(&c);
}

int ntlm_decode_negotiate(struct blob in, struct ntlm_negotiate *ret)
{
	struct rd r = begin(in, NEGOTIATE);
	struct ntlm_negotiate m = { 0 };

	m.flags = rd_le32(&r); /* domain and workstation follow; nobody needs them */
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = m;
	return 0;
}

int ntlm_decode_challenge(struct blob in, struct ntlm_challenge *ret)
{
	struct rd r = begin(in, CHALLENGE);
	struct ntlm_challenge m = { 0 };

	m.target_name = take_field(&r);
	m.flags = rd_le32(&r);
	rd_copy(&r, m.challenge, sizeof(m.challenge));
	rd_skip(&r, 8);
	if (m.flags & NTLM_TARGET_INFO)
		m.target_info = take_field(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = m;
	return 0;
}

int ntlm_decode_authenticate(struct blob in, struct ntlm_authenticate *ret)
{
	struct rd r = begin(in, AUTHENTICATE);
	struct ntlm_authenticate m = { 0 };

	m.lm = take_field(&r);
	m.nt = take_field(&r);
	m.domain = take_field(&r);
	m.user = take_field(&r);
	m.workstation = take_field(&r);
	m.session_key = take_field(&r);
	m.flags = rd_le32(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	rd_skip(&r, 8); /* version */
	m.has_mic = rd_ok(&r) && rd_left(&r) >= NTLM_MIC_LEN;
	rd_copy(&r, m.mic, sizeof(m.mic));
	*ret = m;
	return 0;
}

int ntlm_decode_v2_client(struct blob temp, struct ntlm_v2_client *ret)
{
	struct rd r = rd_of(temp);
	struct ntlm_v2_client m = { 0 };

	if (rd_u8(&r) != 1 || rd_u8(&r) != 1) /* RespType, HiRespType */
		return -EBADMSG;
	rd_skip(&r, 6);
	m.time = rd_le64(&r);
	rd_copy(&r, m.challenge, sizeof(m.challenge));
	rd_skip(&r, 4);
	m.av_pairs = rd_rest(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = m;
	return 0;
}

int ntlm_av_find(struct blob av_pairs, uint16_t id, struct blob *ret_value)
{
	struct rd r = rd_of(av_pairs);
	struct blob found = { 0 };
	int ret = 1;

	/* Some clients leave out the closing pair: the list then ends with its bytes. */
	while (rd_left(&r) >= 4) {
		uint16_t av_id = rd_le16(&r);
		struct blob value = rd_blob(&r, rd_le16(&r));

		if (!rd_ok(&r))
			return -EBADMSG;
		if (av_id == NTLM_AV_EOL)
			break;
		if (av_id == id && ret == 1) {
			found = value;
			ret = 0;
		}
	}
	if (ret == 0)
		*ret_value = found;
	return ret;
}

void ntlm_av_put(struct wr *w, uint16_t id, struct blob value)
{
	if (value.len > UINT16_MAX)
		wr_fail(w);
	wr_le16(w, id);
	wr_le16(w, (uint16_t)value.len);
	wr_put(w, value);
}

static void put_type(struct wr *w, uint32_t type)
{
	wr_bytes(w, NTLM_SIGNATURE, sizeof(NTLM_SIGNATURE));
	wr_le32(w, type);
}

/* Writes the place of a payload that will stand at `*at`, and moves `*at` behind it. */
static void put_field(struct wr *w, struct blob b, size_t *at)
{
	if (b.len > UINT16_MAX)
		wr_fail(w);
	wr_le16(w, (uint16_t)b.len);
	wr_le16(w, (uint16_t)b.len);
	wr_le32(w, (uint32_t)*at);
	*at += b.len;
}

/* Version (2.2.2.10): any product version, NTLMSSP_REVISION_W2K3. */
static void put_version(struct wr *w)
{
	wr_bytes(w, (const uint8_t[]){ 10, 0, 0, 0, 0, 0, 0, 15 }, 8);
}

void ntlm_encode_negotiate(struct wr *w, const struct ntlm_negotiate *m)
{
	size_t at = 40;

	put_type(w, NEGOTIATE);
	wr_le32(w, m->flags);
	put_field(w, BLOB(NULL, 0), &at);
	put_field(w, BLOB(NULL, 0), &at);
	put_version(w);
}

void ntlm_encode_challenge(struct wr *w, const struct ntlm_challenge *m)
{
	size_t at = 56;

	put_type(w, CHALLENGE);
	put_field(w, m->target_name, &at);
	wr_le32(w, m->flags);
	wr_bytes(w, m->challenge, sizeof(m->challenge));
	wr_zero(w, 8);
	put_field(w, m->target_info, &at);
	put_version(w);
	wr_put(w, m->target_name);
	wr_put(w, m->target_info);
}

void ntlm_encode_authenticate(struct wr *w, const struct ntlm_authenticate *m)
{
	size_t at = NTLM_MIC_AT + NTLM_MIC_LEN;

	put_type(w, AUTHENTICATE);
	put_field(w, m->lm, &at);
	put_field(w, m->nt, &at);
	put_field(w, m->domain, &at);
	put_field(w, m->user, &at);
	put_field(w, m->workstation, &at);
	put_field(w, m->session_key, &at);
	wr_le32(w, m->flags);
	put_version(w);
	wr_bytes(w, m->mic, sizeof(m->mic));
	wr_put(w, m->lm);
	wr_put(w, m->nt);
	wr_put(w, m->domain);
	wr_put(w, m->user);
	wr_put(w, m->workstation);
	wr_put(w, m->session_key);
}

void ntlm_encode_v2_client(struct wr *w, const struct ntlm_v2_client *m)
{
	wr_u8(w, 1);
	wr_u8(w, 1);
	wr_zero(w, 6);
	wr_le64(w, m->time);
	wr_bytes(w, m->challenge, sizeof(m->challenge));
	wr_zero(w, 4);
	wr_put(w, m->av_pairs);
	wr_zero(w, 4);
}
