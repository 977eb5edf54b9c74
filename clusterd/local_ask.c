/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions of operators, from any node, that this node's smbd answers. On clusterd's loop. */
#include "clusterd/client/cluster_client.h"
#include "clusterd/local_priv.h"

#define ASKS_MAX 256
#define ROWS_MAX (900u << 10) /* bytes; CPG takes messages of 1 MiB */

static void answer(struct local *l, uint32_t to, uint64_t id, uint32_t status, struct blob rows, uint64_t next)
{
	struct msg m = { .type = MSG_ANSWER, .answer = { id, to, status, next, rows } };

	if (rows.len > ROWS_MAX)
		m.answer = (struct msg_answer){ id, to, EMSGSIZE, 0, BLOB("", 0) };
	clusterd_send(l->d, &m);
}

static void ask_free(struct local *l, struct ask *a)
{
	list_remove(&a->link);
	l->n_asks--;
	free(a);
}

void local_ask(struct local *l, uint32_t from, const struct msg_ask *q)
{
	Hfc__ToDaemon m = HFC__TO_DAEMON__INIT;
	Hfc__Query query = HFC__QUERY__INIT;
	struct ask *a;

	if (!l->smbd) {
		answer(l, from, q->id, ENOTCONN, BLOB("", 0), 0);
		return;
	}
	a = l->n_asks < ASKS_MAX ? calloc(1, sizeof(*a)) : NULL;
	if (!a) {
		answer(l, from, q->id, EBUSY, BLOB("", 0), 0);
		return;
	}
	*a = (struct ask){ .local_id = ++l->next_id, .id = q->id, .from = from };
	list_append(&l->asks, &a->link);
	l->n_asks++;
	query.id = a->local_id;
	query.kind = q->kind;
	query.cursor = q->cursor;
	query.limit = q->limit;
	m.m_case = HFC__TO_DAEMON__M_QUERY;
	m.query = &query;
	local_send(l->smbd, &m);
}

int local_page(struct local *l, const Hfc__Page *p)
{
	struct ask *a;

	list_foreach(a, &l->asks, link)
		if (a->local_id == p->id) {
			answer(l, a->from, a->id, 0, BLOB(p->rows.data, p->rows.len), p->next);
			ask_free(l, a);
			return 0;
		}
	return -EBADMSG;
}

void local_fail_asks(struct local *l)
{
	struct ask *a, *tmp;

	list_foreach_safe(a, tmp, &l->asks, link) {
		if (l->d->cs)
			answer(l, a->from, a->id, ENOTCONN, BLOB("", 0), 0);
		ask_free(l, a);
	}
}
