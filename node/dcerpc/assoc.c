/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A DCE/RPC association (MS-RPCE 3.3.1.5): binding of contexts, assembly of requests, dispatch. */
#include "node/dcerpc/assoc.h"

#define DCE_MAX_REQUEST (256u << 10)  /* bytes of an assembled stub */
#define DCE_MAX_RESPONSE (4u << 20)
#define DCE_MAX_BOUND 16              /* presentation contexts */

struct bound_ctx {
	uint16_t id;
	const struct dce_iface *iface;
};

struct dce_assoc {
	const struct dce_iface *const *ifaces;
	unsigned int n_ifaces;
	const char *sec_addr;
	void *ctx;
	bool bound_once, dead;
	uint16_t max_xmit;
	uint32_t group;
	struct bound_ctx bound[DCE_MAX_BOUND];
	unsigned int n_bound;
	/* bytes of a PDU that is not complete */
	uint8_t frag[DCE_MAX_FRAG];
	size_t frag_len;
	/* the request that is being put together */
	bool in_request;
	uint32_t call_id;
	uint16_t opnum, ctx_id;
	uint8_t *stub;
	size_t stub_len, stub_cap;
};

int dce_assoc_new(const struct dce_iface *const *ifaces, unsigned int n, const char *sec_addr, void *ctx,
		  struct dce_assoc **ret)
{
	struct dce_assoc *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->ifaces = ifaces;
	d->n_ifaces = n;
	d->sec_addr = sec_addr;
	d->ctx = ctx;
	d->max_xmit = DCE_MIN_FRAG;
	*ret = d;
	return 0;
}

void dce_assoc_free(struct dce_assoc *d)
{
	if (!d)
		return;
	free(d->stub);
	free(d);
}

static const struct dce_iface *find_iface(const struct dce_assoc *d, const struct dce_syntax *s)
{
	unsigned int i;

	for (i = 0; i < d->n_ifaces; i++) {
		const struct dce_iface *f = d->ifaces[i];

		if (guid_equal(&f->syntax.uuid, &s->uuid) && f->syntax.major == s->major &&
		    f->syntax.minor >= s->minor)
			return f;
	}
	return NULL;
}

static struct bound_ctx *find_bound(struct dce_assoc *d, uint16_t id)
{
	unsigned int i;

	for (i = 0; i < d->n_bound; i++) {
		if (d->bound[i].id == id)
			return &d->bound[i];
	}
	return NULL;
}

static struct dce_ctx_result bind_item(struct dce_assoc *d, const struct dce_ctx_item *item)
{
	const struct dce_iface *f = find_iface(d, &item->abstract);
	struct bound_ctx *b = find_bound(d, item->id);

	if (item->feature)
		return (struct dce_ctx_result){ DCE_NEGOTIATE_ACK, 0 };
	if (!f)
		return (struct dce_ctx_result){ DCE_PROVIDER_REJECTION, 1 };
	if (!item->ndr)
		return (struct dce_ctx_result){ DCE_PROVIDER_REJECTION, 2 };
	if (!b && d->n_bound == DCE_MAX_BOUND)
		return (struct dce_ctx_result){ DCE_PROVIDER_REJECTION, 3 };
	if (!b)
		b = &d->bound[d->n_bound++];
	*b = (struct bound_ctx){ .id = item->id, .iface = f };
	return (struct dce_ctx_result){ DCE_ACCEPTANCE, 0 };
}

static int do_bind(struct dce_assoc *d, struct blob pdu, const struct dce_hdr *h, struct wr *out)
{
	struct dce_ctx_result results[DCE_MAX_CTX];
	struct dce_bind b, ack;
	unsigned int i;

	if ((h->ptype == DCE_BIND) == d->bound_once || dce_bind_decode(pdu, h, &b) < 0)
		return -EBADMSG;
	if (h->auth_len) { /* these end points are authenticated by their transport alone */
		dce_bind_nak_encode(out, h->call_id, 8 /* authentication type not recognized */);
		return 0;
	}
	if (!d->bound_once) {
		d->max_xmit = MIN(MAX(b.max_recv, (uint16_t)DCE_MIN_FRAG), (uint16_t)DCE_MAX_FRAG);
		d->group = b.group ? b.group : 0x48460001u;
		d->bound_once = true;
	}
	for (i = 0; i < b.n_ctx; i++)
		results[i] = bind_item(d, &b.ctx[i]);
	ack = b;
	ack.max_xmit = d->max_xmit;
	ack.max_recv = MIN(MAX(b.max_xmit, (uint16_t)DCE_MIN_FRAG), (uint16_t)DCE_MAX_FRAG);
	ack.group = d->group;
	dce_bind_ack_encode(out, h->ptype == DCE_BIND ? DCE_BIND_ACK : DCE_ALTER_CONTEXT_RESP, h->call_id, &ack,
			    h->ptype == DCE_BIND ? d->sec_addr : "", results);
	return 0;
}

static int stub_append(struct dce_assoc *d, struct blob b)
{
	size_t need = d->stub_len + b.len, cap = MAX(d->stub_cap * 2, (size_t)1024);
	uint8_t *p;

	if (need > DCE_MAX_REQUEST)
		return -EMSGSIZE;
	if (need > d->stub_cap) {
		cap = MAX(cap, need);
		p = realloc(d->stub, cap);
		if (!p)
			return -ENOMEM;
		d->stub = p;
		d->stub_cap = cap;
	}
	if (b.len)
		memcpy(d->stub + d->stub_len, b.data, b.len);
	d->stub_len = need;
	return 0;
}

static void dispatch(struct dce_assoc *d, struct arena *a, struct wr *out)
{
	const struct bound_ctx *b = find_bound(d, d->ctx_id);
	struct rd in = rd_init(d->stub, d->stub_len);
	struct wr stub = wr_arena(a, DCE_MAX_RESPONSE);
	uint32_t fault;

	if (!b)
		fault = DCE_NCA_UNK_IF;
	else if (d->opnum >= b->iface->n_ops || !b->iface->ops[d->opnum])
		fault = DCE_NCA_OP_RNG_ERROR;
	else
		fault = b->iface->ops[d->opnum](d->ctx, a, &in, &stub);
	if (!fault && wr_end(&stub) < 0)
		fault = DCE_FAULT_NO_MEMORY;
	if (fault)
		dce_fault_encode(out, d->call_id, d->ctx_id, fault);
	else
		dce_response_encode(out, d->call_id, d->ctx_id, wr_blob(&stub), d->max_xmit);
}

static int do_request(struct dce_assoc *d, struct blob pdu, const struct dce_hdr *h, struct arena *a, struct wr *out)
{
	struct dce_request q;
	int r;

	/* fragments of one request follow each other: no other call may come between them (CVE-2013-4408, 2021-23192) */
	if (!d->bound_once || h->auth_len || dce_request_decode(pdu, h, &q) < 0 ||
	    d->in_request == !!(h->flags & DCE_FIRST_FRAG))
		return -EBADMSG;
	if (h->flags & DCE_FIRST_FRAG) {
		d->in_request = true;
		d->call_id = h->call_id;
		d->opnum = q.opnum;
		d->ctx_id = q.ctx_id;
		d->stub_len = 0;
	} else if (h->call_id != d->call_id || q.opnum != d->opnum || q.ctx_id != d->ctx_id) {
		return -EBADMSG;
	}
	r = stub_append(d, q.stub);
	if (r < 0 || !(h->flags & DCE_LAST_FRAG))
		return r;
	d->in_request = false;
	dispatch(d, a, out);
	return wr_end(out);
}

static int do_pdu(struct dce_assoc *d, struct blob pdu, const struct dce_hdr *h, struct arena *a, struct wr *out)
{
	switch (h->ptype) {
	case DCE_BIND:
	case DCE_ALTER_CONTEXT:
		return do_bind(d, pdu, h, out);
	case DCE_REQUEST:
		return do_request(d, pdu, h, a, out);
	case DCE_CO_CANCEL:
	case DCE_ORPHANED:
		if (d->in_request && h->call_id == d->call_id)
			d->in_request = false;
		return 0;
	default:
		return -EBADMSG;
	}
}

/* Moves bytes of the PDU that is being received into `frag`; 1 when it is complete. */
static int take_bytes(struct dce_assoc *d, struct rd *in, struct dce_hdr *ret)
{
	size_t want = DCE_HDR_LEN, n;
	int r;

	for (;;) {
		n = MIN(want - d->frag_len, rd_left(in));
		rd_copy(in, d->frag + d->frag_len, n);
		d->frag_len += n;
		if (d->frag_len < want)
			return 0;
		r = dce_hdr_decode(BLOB(d->frag, d->frag_len), ret);
		if (r < 0)
			return r;
		if (ret->frag_len > DCE_MAX_FRAG)
			return -EMSGSIZE;
		if (d->frag_len == ret->frag_len)
			return 1;
		want = ret->frag_len;
	}
}

int dce_assoc_input(struct dce_assoc *d, struct blob bytes, struct arena *a, struct wr *out)
{
	struct rd in = rd_of(bytes);
	struct dce_hdr h;
	int r = d->dead ? -EBADMSG : 0;

	while (r == 0 && rd_left(&in)) {
		r = take_bytes(d, &in, &h);
		if (r == 0)
			return 0;
		if (r == 1) {
			r = do_pdu(d, BLOB(d->frag, d->frag_len), &h, a, out);
			d->frag_len = 0;
		}
	}
	if (r < 0)
		d->dead = true;
	return r;
}
