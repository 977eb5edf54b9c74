/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first message of a connection: read with single-shot reads, so that nothing is in flight when
 * the socket goes to the client's home worker. An SMB1 negotiate that asks for SMB2 is answered
 * here (MS-SMB2 3.3.5.3). Worker 0's thread.
 */
#include "node/base/clock.h"
#include "node/log/log.h"
#include "node/loop/io.h"
#include "node/net/sock.h"
#include "smbd/proto/accept_priv.h"
#include "smbd/proto/conn.h"
#include "smbd/proto/negotiate.h"

#define GREET_TIMEOUT (10 * NSEC_PER_SEC)
/* How long a new client waits for a node whose right to serve is stale, before it is sent away to
 * try another one. */
#define SERVE_TIMEOUT (1 * NSEC_PER_SEC)
#define GREET_ARENA (256u << 10)

struct greeting {
	struct list link; /* acceptor->greetings */
	struct acceptor *acceptor;
	struct task *task;
	struct admission *admission;
	int fd;
	uint64_t deadline;
	struct arena arena;
	uint8_t *msg; /* malloc */
	uint32_t len;
	const char *rule; /* that the client broke */
};

struct handoff_mail {
	struct mail mail;
	struct worker *to;
	struct conn_handoff h;
};

static void handoff_run(struct mail *m)
{
	struct handoff_mail *hm = container_of(m, struct handoff_mail, mail);

	conn_adopt(hm->to, &hm->h);
	free(hm);
}

/* Reads one frame into g->msg. 0; 1: `rule` was broken; -errno: the socket ended or time is up. */
static int greet_read(struct greeting *g)
{
	uint8_t head[SMB2_FRAME_LEN];
	uint32_t max = (uint32_t)g->acceptor->worker->tunables.max_unauthenticated_bytes;
	int r;

	do {
		r = io_recv_full(g->fd, head, sizeof(head), g->deadline);
		if (r < 0)
			return r;
		r = smb2_frame_decode(head, &g->len);
	} while (r > 0);
	if (r < 0 || g->len < 32 || g->len > max) {
		g->rule = r < 0 ? "malformed frame" : "frame length";
		return 1;
	}
	free(g->msg);
	g->msg = malloc(g->len);
	if (!g->msg)
		return -ENOMEM;
	return io_recv_full(g->fd, g->msg, g->len, g->deadline);
}

/* Answers the SMB1 request with an SMB2 NEGOTIATE response for `dialect`. */
static int greet_smb1_reply(struct greeting *g, uint16_t dialect)
{
	struct smb2_hdr h = { .command = SMB2_NEGOTIATE,
			      .credits = 1,
			      .flags = SMB2_FLAGS_SERVER_TO_REDIR };
	struct wr w = wr_arena(&g->arena, GREET_ARENA / 2);
	struct smb2_negotiate_resp resp;
	uint8_t head[SMB2_FRAME_LEN];
	struct iovec iov[2];
	int r;

	r = negotiate_offer(g->acceptor->worker, dialect, &g->arena, &resp);
	if (r < 0)
		return r;
	smb2_negotiate_resp_encode(&w, smb2_hdr_encode(&w, &h), &resp);
	if (wr_end(&w) < 0)
		return -ENOMEM;
	smb2_frame_encode(head, (uint32_t)w.len);
	iov[0] = (struct iovec){ head, sizeof(head) };
	iov[1] = (struct iovec){ w.base, w.len };
	r = worker_wait_serve(g->acceptor->worker, g->deadline);
	return r < 0 ? r : io_send_full(g->fd, iov, 2, g->deadline);
}

static int greet_hand_over(struct greeting *g, unsigned int home, uint64_t first_id,
			   uint16_t dialect)
{
	struct smbd *smbd = g->acceptor->worker->smbd;
	struct handoff_mail *hm = calloc(1, sizeof(*hm));

	if (!hm)
		return -ENOMEM;
	hm->mail.run = handoff_run;
	hm->to = &smbd->workers[home];
	hm->h = (struct conn_handoff){ .fd = TAKE_FD(g->fd),
				       .admission = TAKE_PTR(g->admission),
				       .first_message_id = first_id,
				       .dialect = dialect };
	if (!dialect) {
		hm->h.first_len = g->len;
		hm->h.first = TAKE_PTR(g->msg);
	}
	loop_post(hm->to->loop, &hm->mail);
	return 0;
}

/* The home of a client whose NEGOTIATE is in g->msg; one that cannot be decoded is answered by
 * anybody. */
static unsigned int greet_home(struct greeting *g)
{
	struct smbd *smbd = g->acceptor->worker->smbd;
	struct smb2_negotiate_req req;

	if (smb2_negotiate_req_decode(&g->arena, BLOB(g->msg, g->len), &req) == 0) {
		if (!guid_is_zero(&req.client_guid))
			return home_worker(smbd, &req.client_guid);
	}
	return (unsigned int)(g->acceptor->next_home++ % smbd->n_workers);
}

static int greet_smb2(struct greeting *g, bool after_smb1)
{
	struct smb2_hdr h;

	if (smb2_hdr_decode(BLOB(g->msg, g->len), &h) < 0 || h.command != SMB2_NEGOTIATE) {
		g->rule = "first message is not NEGOTIATE";
		return 1;
	}
	if (h.message_id > (after_smb1 ? 1 : 0)) {
		g->rule = "message id of the first message";
		return 1;
	}
	return greet_hand_over(g, greet_home(g), h.message_id, 0);
}

static int greet_talk(struct greeting *g)
{
	struct smb1_negotiate smb1;
	int r;

	r = greet_read(g);
	if (r != 0)
		return r;
	r = worker_wait_serve(g->acceptor->worker,
			      loop_now(g->acceptor->worker->loop) + SERVE_TIMEOUT);
	if (r < 0) {
		g->rule = "this node may not serve";
		return r == -ETIME ? 1 : r;
	}
	switch (smb2_kind_of(BLOB(g->msg, g->len))) {
	case SMB2_KIND_SMB2:
		return greet_smb2(g, false);
	case SMB2_KIND_SMB1:
		break;
	default:
		g->rule = "not an SMB message";
		return 1;
	}
	if (smb1_negotiate_decode(BLOB(g->msg, g->len), &smb1) < 0 ||
	    !(smb1.smb2_wild || smb1.smb2_002)) {
		g->rule = "SMB1 only";
		return 1;
	}
	if (!smb1.smb2_wild) {
		if (g->acceptor->worker->tunables.smb_min_dialect > TUNABLES_SMB_202) {
			g->rule = "smb_min_dialect";
			return 1;
		}
		r = greet_smb1_reply(g, SMB2_DIALECT_202);
		return r < 0 ? r :
			       greet_hand_over(g,
					       (unsigned int)(g->acceptor->next_home++ %
							      g->acceptor->worker->smbd->n_workers),
					       1, SMB2_DIALECT_202);
	}
	r = greet_smb1_reply(g, SMB2_DIALECT_WILD);
	if (r == 0)
		r = greet_read(g);
	return r ? r : greet_smb2(g, true);
}

static void greet_main(void *arg)
{
	static struct log_rl rl;
	struct greeting *g = arg;
	struct net_addr peer = { .len = 0 };
	char name[NET_ADDR_STR];
	int r;

	g->task = task_current();
	g->rule = "";
	g->deadline = loop_now(g->acceptor->worker->loop) + GREET_TIMEOUT;
	if (net_sock_peer(g->fd, &peer) == 0)
		net_addr_unmap(&peer);
	net_stream_options(g->fd, 0);
	r = g->acceptor->stopping || !g->acceptor->worker->auth ? -ECANCELED : greet_talk(g);
	if (r > 0 && log_ratelimit(&rl, 5))
		log_warn("connection dropped: client=%s rule=%s", net_addr_format(&peer, name),
			 log_esc(g->rule));
	else if (r == -ETIME && log_ratelimit(&rl, 5))
		log_warn("connection dropped: client=%s rule=%s", net_addr_format(&peer, name),
			 "\"no NEGOTIATE in time\"");
	cleanup_close(&g->fd);
	admission_closed(g->admission);
	list_remove(&g->link);
	free(g->msg);
	arena_reset(&g->arena);
	acceptor_task_ended(g->acceptor);
	free(g);
}

int greet_start(struct acceptor *a, int fd, struct admission *adm)
{
	struct greeting *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	g->acceptor = a;
	g->fd = fd;
	g->admission = adm;
	arena_init(&g->arena, GREET_ARENA);
	r = task_spawn(a->worker->loop, greet_main, g, NULL);
	if (r < 0) {
		free(g);
		return r;
	}
	list_append(&a->greetings, &g->link);
	a->n_tasks++;
	a->refs++;
	return 0;
}

void greet_cancel_all(struct acceptor *a)
{
	struct greeting *g;

	list_foreach(g, &a->greetings, link) {
		if (g->task)
			task_cancel(g->task);
	}
}
