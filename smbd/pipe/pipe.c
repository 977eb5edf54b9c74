/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pipes: which there are, and the queue of answers that wait to be read. */
#include "smbd/pipe/pipe.h"

#include <strings.h>

#include "node/base/list.h"
#include "node/dcerpc/assoc.h"
#include "smbd/pipe/srvsvc.h"

#define PIPE_QUEUE_MAX (8u << 20) /* bytes of answers that wait */

struct pipe_msg {
	struct list link;
	size_t len, pos;
	uint8_t data[];
};

struct pipe {
	struct worker *worker;
	struct dce_assoc *assoc;
	struct list answers; /* struct pipe_msg */
	size_t queued;
	bool broken;
};

static const struct dce_iface *const srvsvc_ifaces[] = { &srvsvc_iface };

static const struct {
	const char *name, *sec_addr;
	const struct dce_iface *const *ifaces;
	unsigned int n;
} pipes[] = {
	{ "srvsvc", "\\PIPE\\srvsvc", srvsvc_ifaces, ARRAY_SIZE(srvsvc_ifaces) },
};

int pipe_new(struct worker *w, const char *name, struct pipe **ret)
{
	struct pipe *p;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(pipes); i++) {
		if (strcasecmp(pipes[i].name, name) == 0)
			break;
	}
	if (i == ARRAY_SIZE(pipes))
		return -ENOENT;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->worker = w;
	list_init(&p->answers);
	r = dce_assoc_new(pipes[i].ifaces, pipes[i].n, pipes[i].sec_addr, w, &p->assoc);
	if (r < 0) {
		free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void pipe_free(struct pipe *p)
{
	struct pipe_msg *m, *tmp;

	if (!p)
		return;
	list_foreach_safe(m, tmp, &p->answers, link)
		free(m);
	dce_assoc_free(p->assoc);
	free(p);
}

static int queue_msg(struct pipe *p, struct blob b)
{
	struct pipe_msg *m;

	if (p->queued + b.len > PIPE_QUEUE_MAX)
		return -EPIPE;
	m = malloc(sizeof(*m) + b.len);
	if (!m)
		return -ENOMEM;
	m->len = b.len;
	m->pos = 0;
	memcpy(m->data, b.data, b.len);
	p->queued += b.len;
	list_append(&p->answers, &m->link);
	return 0;
}

/* Every PDU is one message. */
static int queue_pdus(struct pipe *p, struct blob b)
{
	struct rd r = rd_of(b);
	struct dce_hdr h;
	int err = 0;

	while (err == 0 && rd_left(&r)) {
		err = dce_hdr_decode(BLOB(r.pos, rd_left(&r)), &h);
		if (err == 0)
			err = queue_msg(p, rd_blob(&r, h.frag_len));
	}
	return err;
}

int pipe_write(struct pipe *p, struct blob bytes)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct wr out;
	int r;

	if (p->broken)
		return -EPIPE;
	arena_init(&a, 0);
	out = wr_arena(&a, PIPE_QUEUE_MAX);
	r = dce_assoc_input(p->assoc, bytes, &a, &out);
	if (r == 0)
		r = queue_pdus(p, wr_blob(&out));
	if (r == 0)
		return 0;
	p->broken = true;
	return -EPIPE;
}

bool pipe_readable(const struct pipe *p)
{
	return !list_empty(&p->answers);
}

int64_t pipe_read(struct pipe *p, void *buf, size_t n, bool *ret_more)
{
	struct pipe_msg *m = list_first(&p->answers, struct pipe_msg, link);

	if (!m)
		return p->broken ? -EPIPE : -EAGAIN;
	n = MIN(n, m->len - m->pos);
	memcpy(buf, m->data + m->pos, n);
	m->pos += n;
	*ret_more = m->pos < m->len;
	if (m->pos == m->len) {
		p->queued -= m->len;
		list_remove(&m->link);
		free(m);
	}
	return (int64_t)n;
}
