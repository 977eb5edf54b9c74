/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NetrShareEnum, NetrShareEnumSticky, NetrShareGetInfo, NetrServerGetInfo (MS-SRVS 3.1.4.8, .9, .10, .17). What would
 * tell paths of the server (levels 2, 502, 503) is for administrators, whom this service does not know: refused.
 */
#include "smbd/pipe/srvsvc.h"

#include "node/conf/node_conf.h"
#include "node/dcerpc/ndr.h"
#include "smbd/proto/share.h"
#include "smbd/proto/worker.h"

#define ERROR_ACCESS_DENIED 5u
#define ERROR_INVALID_LEVEL 124u
#define ERROR_MORE_DATA 234u
#define NERR_NetNameNotFound 2310u

#define STYPE_DISKTREE 0u
#define STYPE_IPC 3u
#define STYPE_SPECIAL 0x80000000u
#define SV_TYPE_SERVER 0x00000002u
#define SV_TYPE_SERVER_NT 0x00008000u
#define SV_TYPE_CLUSTER_NT 0x01000000u

#define SRVSVC_NAME_UNITS 1024
#define MAX_PREFERRED_LENGTH 0xffffffffu

/* A name that ends in '$' is not listed, but for IPC$. */
static bool hidden(const struct smb_share *s)
{
	size_t n = strlen(s->conf->name);

	return !s->listed->browseable || (n > 0 && s->conf->name[n - 1] == '$');
}

static bool listed(const struct smb_share *s)
{
	return s->ipc || !hidden(s);
}

static const char *comment_of(const struct smb_share *s)
{
	return s->listed->comment ? s->listed->comment : "";
}

static uint32_t share_type(const struct smb_share *s)
{
	if (s->ipc)
		return STYPE_IPC | STYPE_SPECIAL;
	return STYPE_DISKTREE | (hidden(s) ? STYPE_SPECIAL : 0);
}

/* 0 for a level that anybody may ask for. */
static uint32_t level_check(uint32_t level)
{
	if (level == 0 || level == 1 || level == 501)
		return 0;
	return level == 2 || level == 502 || level == 503 ? ERROR_ACCESS_DENIED : ERROR_INVALID_LEVEL;
}

/* The fixed part of one entry; strings follow by share_strings(). */
static void share_fixed(struct wr *w, const struct smb_share *s, uint32_t level)
{
	ndr_wr_ptr(w, true);
	if (level == 0)
		return;
	ndr_wr_u32(w, share_type(s));
	ndr_wr_ptr(w, true);
	if (level == 501)
		ndr_wr_u32(w, 0);
}

static void share_strings(struct wr *w, struct arena *a, const struct smb_share *s, uint32_t level)
{
	ndr_wr_str(w, a, s->conf->name);
	if (level != 0)
		ndr_wr_str(w, a, comment_of(s));
}

struct share_page {
	uint32_t first, count, total;
};

/* Which shares fit into `max_len` bytes, from the one that `resume` names on; always at least one. */
static struct share_page page_of(struct worker *w, uint32_t resume, uint32_t max_len)
{
	struct share_page p = { .first = resume };
	uint64_t bytes = 0;
	struct smb_share *s;

	list_foreach(s, &w->shares, link) {
		if (!listed(s) || p.total++ < resume)
			continue;
		bytes += 64 + 2 * (strlen(s->conf->name) + strlen(comment_of(s)));
		if (p.first + p.count == p.total - 1 && (p.count == 0 || max_len == MAX_PREFERRED_LENGTH || bytes <= max_len))
			p.count++;
	}
	return p;
}

static void page_write(struct wr *out, struct arena *a, struct worker *w, const struct share_page *p, uint32_t level)
{
	struct smb_share *s;
	uint32_t i = 0;

	ndr_wr_u32(out, p->count);
	ndr_wr_ptr(out, p->count > 0);
	if (!p->count)
		return;
	ndr_wr_u32(out, p->count);
	list_foreach(s, &w->shares, link) {
		if (listed(s) && i++ >= p->first && i <= p->first + p->count)
			share_fixed(out, s, level);
	}
	i = 0;
	list_foreach(s, &w->shares, link) {
		if (listed(s) && i++ >= p->first && i <= p->first + p->count)
			share_strings(out, a, s, level);
	}
}

static uint32_t share_enum(void *ctx, struct arena *a, struct rd *in, struct wr *out)
{
	struct worker *w = ctx;
	uint32_t level, max_len, resume = 0, status;
	struct share_page p = { 0 };
	bool has_resume;

	(void)ndr_rd_str_ptr(in, a, SRVSVC_NAME_UNITS);
	level = ndr_rd_u32(in);
	(void)ndr_rd_u32(in); /* the union's discriminant: the level again */
	if (ndr_rd_ptr(in)) {
		(void)ndr_rd_u32(in);
		if (ndr_rd_ptr(in) && ndr_rd_u32(in) != 0)
			return DCE_FAULT_NDR; /* an array that a client has nothing to put in */
	}
	max_len = ndr_rd_u32(in);
	has_resume = ndr_rd_ptr(in);
	if (has_resume)
		resume = ndr_rd_u32(in);
	if (rd_end(in) < 0)
		return DCE_FAULT_NDR;
	status = level_check(level);
	if (!status) {
		p = page_of(w, resume, max_len);
		status = p.first + p.count < p.total ? ERROR_MORE_DATA : 0;
	}
	ndr_wr_u32(out, level);
	ndr_wr_u32(out, level);
	ndr_wr_ptr(out, true);
	page_write(out, a, w, &p, level);
	ndr_wr_u32(out, p.total);
	ndr_wr_ptr(out, has_resume);
	if (has_resume)
		ndr_wr_u32(out, status == ERROR_MORE_DATA ? p.first + p.count : 0);
	ndr_wr_u32(out, status);
	return 0;
}

static uint32_t share_get_info(void *ctx, struct arena *a, struct rd *in, struct wr *out)
{
	struct worker *w = ctx;
	const struct smb_share *s = NULL;
	const char *name;
	uint32_t level, status;

	(void)ndr_rd_str_ptr(in, a, SRVSVC_NAME_UNITS);
	name = ndr_rd_str(in, a, SRVSVC_NAME_UNITS);
	level = ndr_rd_u32(in);
	if (rd_end(in) < 0)
		return DCE_FAULT_NDR;
	status = level == 1005 ? 0 : level_check(level);
	if (!status)
		s = share_find(w, name);
	if (!status && !s)
		status = NERR_NetNameNotFound;
	ndr_wr_u32(out, level);
	ndr_wr_ptr(out, s != NULL);
	if (s && level == 1005) {
		ndr_wr_u32(out, 0);
	} else if (s) {
		share_fixed(out, s, level);
		share_strings(out, a, s, level);
	}
	ndr_wr_u32(out, status);
	return 0;
}

static uint32_t server_get_info(void *ctx, struct arena *a, struct rd *in, struct wr *out)
{
	struct worker *w = ctx;
	uint32_t level;
	bool ok;

	(void)ndr_rd_str_ptr(in, a, SRVSVC_NAME_UNITS);
	level = ndr_rd_u32(in);
	if (rd_end(in) < 0)
		return DCE_FAULT_NDR;
	ok = level == 100 || level == 101;
	ndr_wr_u32(out, level);
	ndr_wr_ptr(out, ok);
	if (ok) {
		ndr_wr_u32(out, 500); /* PLATFORM_ID_NT */
		ndr_wr_ptr(out, true);
		if (level == 101) {
			ndr_wr_u32(out, 10);
			ndr_wr_u32(out, 0);
			ndr_wr_u32(out, SV_TYPE_SERVER | SV_TYPE_SERVER_NT | SV_TYPE_CLUSTER_NT);
			ndr_wr_ptr(out, true);
		}
		ndr_wr_str(out, a, w->smbd->conf->name);
		if (level == 101)
			ndr_wr_str(out, a, "Holdfast");
	}
	ndr_wr_u32(out, ok ? 0 : ERROR_INVALID_LEVEL);
	return 0;
}

static dce_call_fn *const srvsvc_ops[] = {
	[15] = share_enum,
	[16] = share_get_info,
	[21] = server_get_info,
	[36] = share_enum,
};

/* 4b324fc8-1670-01d3-1278-5a47bf6ee188, version 3.0 */
const struct dce_iface srvsvc_iface = {
	.syntax = { .uuid = { { 0xc8, 0x4f, 0x32, 0x4b, 0x70, 0x16, 0xd3, 0x01, 0x12, 0x78, 0x5a, 0x47, 0xbf, 0x6e, 0xe1, 0x88 } },
		    .major = 3 },
	.name = "srvsvc",
	.ops = srvsvc_ops,
	.n_ops = ARRAY_SIZE(srvsvc_ops),
};
