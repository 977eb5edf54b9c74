/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One request: one element of a message, from its header to its response. Lives in the arena of the
 * message (chain) that it came in; a task on the home worker handles the elements of a message one
 * after the other.
 */
#ifndef HF_SMBD_PROTO_REQ_H
#define HF_SMBD_PROTO_REQ_H

#include "node/base/arena.h"
#include "node/wire/wr.h"
#include "smbd/proto/conn.h"
#include "smbd/proto/op.h"
#include "smbd/proto/worker.h"
#include "smbd/wire/hdr.h"

struct chain;

/* A buffer that a response carries behind what `out` holds (READ data): sent without copying. */
struct req_data {
	struct iovec iov;
	void (*free)(void *arg); /* called when the bytes were sent or dropped; on the worker's
				    thread. NULL: nothing */
	void *arg;
};

struct smb_req {
	struct list in_conn; /* conn->reqs */
	struct list in_session, in_tree, in_open; /* what it uses */
	struct list in_chain; /* chain->done */
	struct chain *chain;
	struct task *task; /* handles it; NULL: it is parked */
	struct arena *arena; /* lives until the response is sent */
	struct worker *worker;
	struct conn *conn;
	struct channel *channel; /* of session on conn; NULL without a session */
	struct session *session; /* NULL: the command needs none */
	struct tree *tree;
	struct open *open; /* CREATE sets it too, for related followers: see req_set_open() */

	const struct smb_op_row *row;
	struct smb2_hdr hdr; /* as received */
	struct blob in; /* this element alone, from its header; offsets count from its start */
	void *args; /* decode()'s */
	bool encrypted; /* came in a transform */
	bool signed_ok; /* a signature was there and right */
	struct session
		*bind; /* which a SESSION_SETUP on a connection that is no channel of it is signed
			  for; referenced: also a refusal is signed by it. NULL: none */
	bool related; /* SMB2_FLAGS_RELATED_OPERATIONS */
	bool replay; /* SMB2_FLAGS_REPLAY_OPERATION */
	bool counted; /* in the open's outstanding requests, */
	uint16_t counted_sequence; /* under this channel sequence */

	/* response */
	struct wr out; /* holds the header's 64 bytes already: the encoders' `hdr` is 0 */
	struct req_data data; /* writable: it is sealed in place */
	uint8_t pad[8];
	struct ntstatus status;
	bool error_body; /* `out` holds what an error status carries (req_error_body) */
	bool no_response; /* CANCEL */
	const char *drop; /* a rule was broken for which the connection is to be dropped; set by
			     run() */
	uint32_t tree_id; /* TREE_CONNECT: the new one; 0: the request's */
	bool sign; /* sign the response although nothing asks for it */
	struct sign_key *sign_key; /* what it is signed with; of `channel`, `session` or `bind` */
	struct preauth *preauth; /* takes the response in; NULL: none */

	/* asynchronous */
	bool pending; /* req_pend() was called */
	bool interim_sent;
	bool cancelled; /* by CANCEL, by CLOSE, or the connection is lost */
	bool outlives; /* its connection, as long as its session has another: the client will send it again there */
	uint64_t async_id;
	struct timer interim;
	/* Parked: what ends it when it is cancelled; see req_park(). */
	void (*parked)(struct smb_req *req);
	struct mail cancel_mail;
};

/* The status for a fault (negative errno): logs what is a fault of ours, and maps the rest. */
struct ntstatus req_fail(struct smb_req *req, int err);

/*
 * Tells that the next wait may be long: after `delay` ns (0: at once) an interim response goes out
 * and the request gets an async id (3.3.4.2). Harmless when called again. -EDQUOT:
 * max_pending_per_connection are waiting (STATUS_INSUFFICIENT_RESOURCES).
 */
int req_pend(struct smb_req *req, uint64_t delay) HF_MUST_CHECK;
#define REQ_PEND_DELAY (20 * UINT64_C(1000000))
/* For what is told when it waits for others, req_pend_now(): without that it is slow because storage is, which needs no interim
 * response (smbtorture takes one for a wait: persistent-open-reconnect-contended). */
#define REQ_PEND_SLOW (1000 * UINT64_C(1000000))
/* Never: the request only can be cancelled, by its message id. */
#define REQ_PEND_UNSAID UINT64_MAX
/* `arg`: a request that req_pend() has made pending. Its interim response goes out now, unless it has. */
void req_pend_now(void *arg);

/*
 * Lets the request wait without a task, for as long as it likes: run() calls it last and returns
 * what it returns. The request must be pending, with its interim response sent, and the last one of
 * its message (req_is_last). req_unpark() ends it. When it is cancelled before, `cancelled(req)` is
 * called in a later round, outside of tasks, and has to call req_unpark().
 */
struct ntstatus req_park(struct smb_req *req, void (*cancelled)(struct smb_req *req));
/* Ends a parked request with `status` and what was written to req->out. Never waits; `req` is gone
 * afterwards. Not for one that was cancelled already (req->cancelled), but by its `cancelled`. */
void req_unpark(struct smb_req *req, struct ntstatus status);
/* Whether no other request of its message comes behind it. */
bool req_is_last(const struct smb_req *req);
/* Whether the request ends since its open, tree or session does. */
bool req_is_closing(const struct smb_req *req);

/* The status for a wait that returned -ECANCELED: STATUS_CANCELLED. */
struct ntstatus req_cancelled(struct smb_req *req);

/* Uses `s` (and `ch`, which may be NULL) for the rest of the request; takes references. */
void req_use_session(struct smb_req *req, struct session *s, struct channel *ch);

/* Makes `o` the open that related followers of this compound mean, and keeps a
 * reference. */
void req_set_open(struct smb_req *req, struct open *o);

/* Adds READ data behind `out`, which must be complete; nothing may be written to `out` afterwards.
 */
void req_out_data(struct smb_req *req, void *buf, size_t n, void (*free_fn)(void *arg), void *arg);

/* The error response carries what was written to `out` (StructureSize 9 form included):
 * STATUS_BUFFER_OVERFLOW and such do so by themselves, as their severity is not "error". */
void req_error_body(struct smb_req *req);

/* The largest payload that the request's credit charge pays for (3.3.5.2.5), in bytes. */
size_t req_paid_bytes(const struct smb_req *req);

/* [task] Waits while this node may not serve (its lease is stale). 0, or -ECANCELED. Call it before
 * a change of a file takes effect. */
int req_may_serve(struct smb_req *req);

#endif
