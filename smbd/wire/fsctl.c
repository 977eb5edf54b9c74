/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Buffers of file system controls (MS-SMB2 2.2.31.1 to 2.2.32.6, MS-FSCC 2.3). */
#include "smbd/wire/fsctl.h"
#include "smbd/wire/wire_priv.h"

#define NETIF_LEN 152
#define SOCKADDR_LEN 128
#define FAMILY_INET 0x0002
#define FAMILY_INET6 0x0017

int fsctl_validate_negotiate_req_decode(struct arena *a, struct blob in,
					struct fsctl_validate_negotiate_req *ret)
{
	struct fsctl_validate_negotiate_req v;
	struct rd r = rd_of(in);
	uint16_t n;
	int e;

	v.capabilities = rd_le32(&r);
	v.client_guid = rd_guid(&r);
	v.security_mode = rd_le16(&r);
	n = rd_le16(&r);
	e = smb2_ids_read(a, &r, n, &v.dialects);
	if (e < 0)
		return e;
	*ret = v;
	return 0;
}

void fsctl_validate_negotiate_req_encode(struct wr *w, const struct fsctl_validate_negotiate_req *v)
{
	wr_le32(w, v->capabilities);
	wr_guid(w, &v->client_guid);
	wr_le16(w, v->security_mode);
	wr_le16(w, (uint16_t)v->dialects.n);
	smb2_ids_write(w, &v->dialects);
}

int fsctl_validate_negotiate_resp_decode(struct blob out, struct fsctl_validate_negotiate_resp *ret)
{
	struct fsctl_validate_negotiate_resp v;
	struct rd r = rd_of(out);

	v.capabilities = rd_le32(&r);
	v.server_guid = rd_guid(&r);
	v.security_mode = rd_le16(&r);
	v.dialect = rd_le16(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fsctl_validate_negotiate_resp_encode(struct wr *w,
					  const struct fsctl_validate_negotiate_resp *v)
{
	wr_le32(w, v->capabilities);
	wr_guid(w, &v->server_guid);
	wr_le16(w, v->security_mode);
	wr_le16(w, v->dialect);
}

static void write_sockaddr(struct wr *w, const struct fsctl_netif *v)
{
	size_t start = wr_mark(w);

	wr_le16(w, v->ipv6 ? FAMILY_INET6 : FAMILY_INET);
	wr_le16(w, 0); /* port */
	if (v->ipv6)
		wr_le32(w, 0); /* flow info */
	wr_bytes(w, v->addr, v->ipv6 ? 16 : 4);
	if (wr_ok(w))
		wr_zero(w, SOCKADDR_LEN - (w->len - start));
}

void fsctl_netif_encode(struct wr *w, const struct fsctl_netif *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		wr_le32(w, i + 1 < n ? NETIF_LEN : 0);
		wr_le32(w, v[i].if_index);
		wr_le32(w, v[i].capability);
		wr_le32(w, 0);
		wr_le64(w, v[i].link_speed);
		write_sockaddr(w, &v[i]);
	}
}

int fsctl_netif_next(struct rd *r, struct fsctl_netif *ret)
{
	struct fsctl_netif v = { 0 };
	uint16_t family;
	struct rd e;
	int more = smb2_entry_next(r, 8, NETIF_LEN, &e);

	if (more <= 0)
		return more;
	v.if_index = rd_le32(&e);
	v.capability = rd_le32(&e);
	rd_skip(&e, 4);
	v.link_speed = rd_le64(&e);
	family = rd_le16(&e);
	v.ipv6 = family == FAMILY_INET6;
	rd_skip(&e, v.ipv6 ? 6 : 2);
	rd_copy(&e, v.addr, v.ipv6 ? 16 : 4);
	if (!rd_ok(&e) || (!v.ipv6 && family != FAMILY_INET)) {
		rd_fail(r);
		return -EBADMSG;
	}
	*ret = v;
	return 1;
}

int fsctl_pipe_wait_decode(struct blob in, struct fsctl_pipe_wait *ret)
{
	struct fsctl_pipe_wait v;
	struct rd r = rd_of(in);
	uint32_t name_len;

	v.timeout = rd_le64(&r);
	name_len = rd_le32(&r);
	v.timeout_given = rd_u8(&r) != 0;
	rd_skip(&r, 1);
	v.name = rd_blob(&r, name_len);
	if (!rd_ok(&r) || name_len % 2 != 0)
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fsctl_pipe_wait_encode(struct wr *w, const struct fsctl_pipe_wait *v)
{
	wr_le64(w, v->timeout);
	wr_le32(w, (uint32_t)v->name.len);
	wr_u8(w, v->timeout_given);
	wr_u8(w, 0);
	wr_put(w, v->name);
}

int fsctl_set_sparse_decode(struct blob in, bool *ret_sparse)
{
	*ret_sparse = in.len == 0 || in.data[0] != 0;
	return 0;
}

void fsctl_set_sparse_encode(struct wr *w, bool sparse)
{
	wr_u8(w, sparse);
}

int fsctl_set_zero_data_decode(struct blob in, struct fsctl_range *ret)
{
	struct rd r = rd_of(in);
	uint64_t start = rd_le64(&r), end = rd_le64(&r);

	if (!rd_ok(&r) || start > INT64_MAX || end > INT64_MAX || end < start)
		return -EBADMSG;
	*ret = (struct fsctl_range){ start, end - start };
	return 0;
}

void fsctl_set_zero_data_encode(struct wr *w, struct fsctl_range v)
{
	wr_le64(w, v.offset);
	wr_le64(w, v.offset + v.length);
}

static bool range_valid(struct fsctl_range v)
{
	return v.offset <= INT64_MAX && v.length <= INT64_MAX - v.offset;
}

int fsctl_allocated_ranges_req_decode(struct blob in, struct fsctl_range *ret)
{
	struct rd r = rd_of(in);
	struct fsctl_range v;

	v.offset = rd_le64(&r);
	v.length = rd_le64(&r);
	if (!rd_ok(&r) || !range_valid(v))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fsctl_allocated_range_encode(struct wr *w, struct fsctl_range v)
{
	wr_le64(w, v.offset);
	wr_le64(w, v.length);
}

int fsctl_allocated_range_next(struct rd *r, struct fsctl_range *ret)
{
	struct fsctl_range v;

	if (rd_ok(r) && rd_left(r) == 0)
		return 0;
	v.offset = rd_le64(r);
	v.length = rd_le64(r);
	if (!rd_ok(r))
		return -EBADMSG;
	*ret = v;
	return 1;
}

int fsctl_resume_key_decode(struct blob out, uint8_t ret_key[FSCTL_RESUME_KEY_LEN])
{
	if (out.len < FSCTL_RESUME_KEY_LEN + 4)
		return -EBADMSG;
	memcpy(ret_key, out.data, FSCTL_RESUME_KEY_LEN);
	return 0;
}

void fsctl_resume_key_encode(struct wr *w, const uint8_t key[FSCTL_RESUME_KEY_LEN])
{
	wr_bytes(w, key, FSCTL_RESUME_KEY_LEN);
	wr_le32(w, 0); /* ContextLength */
	wr_le32(w, 0); /* Context: Windows sends four bytes of it */
}

int fsctl_copychunk_req_decode(struct arena *a, struct blob in, struct fsctl_copychunk_req *ret)
{
	struct fsctl_copychunk_req v;
	struct rd r = rd_of(in);

	rd_copy(&r, v.source_key, sizeof(v.source_key));
	v.n_chunks = rd_le32(&r);
	rd_skip(&r, 4);
	if (!rd_ok(&r) || v.n_chunks > rd_left(&r) / 24)
		return -EBADMSG;
	v.chunks = arena_calloc(a, v.n_chunks, sizeof(*v.chunks));
	if (!v.chunks)
		return -ENOMEM;
	for (size_t i = 0; i < v.n_chunks; i++) {
		v.chunks[i].source_offset = rd_le64(&r);
		v.chunks[i].target_offset = rd_le64(&r);
		v.chunks[i].length = rd_le32(&r);
		rd_skip(&r, 4);
	}
	*ret = v;
	return 0;
}

void fsctl_copychunk_req_encode(struct wr *w, const struct fsctl_copychunk_req *v)
{
	wr_bytes(w, v->source_key, sizeof(v->source_key));
	wr_le32(w, (uint32_t)v->n_chunks);
	wr_le32(w, 0);
	for (size_t i = 0; i < v->n_chunks; i++) {
		wr_le64(w, v->chunks[i].source_offset);
		wr_le64(w, v->chunks[i].target_offset);
		wr_le32(w, v->chunks[i].length);
		wr_le32(w, 0);
	}
}

int fsctl_copychunk_resp_decode(struct blob out, struct fsctl_copychunk_resp *ret)
{
	struct fsctl_copychunk_resp v;
	struct rd r = rd_of(out);

	v.chunks_written = rd_le32(&r);
	v.chunk_bytes_written = rd_le32(&r);
	v.total_bytes_written = rd_le32(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fsctl_copychunk_resp_encode(struct wr *w, const struct fsctl_copychunk_resp *v)
{
	wr_le32(w, v->chunks_written);
	wr_le32(w, v->chunk_bytes_written);
	wr_le32(w, v->total_bytes_written);
}

int fsctl_resiliency_decode(struct blob in, uint32_t *ret_timeout)
{
	struct rd r = rd_of(in);
	uint32_t timeout = rd_le32(&r);

	rd_skip(&r, 4);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret_timeout = timeout;
	return 0;
}

void fsctl_resiliency_encode(struct wr *w, uint32_t timeout)
{
	wr_le32(w, timeout);
	wr_le32(w, 0);
}
