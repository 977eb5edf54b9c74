/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A message as it came in: one request or a compound of them, decrypted and split, and its
 * responses on their way out. For this folder; everything on the connection's home worker.
 */
#ifndef HF_SMBD_PROTO_CHAIN_H
#define HF_SMBD_PROTO_CHAIN_H

#include "smbd/proto/req.h"

/* Payload from which on signing, sealing and their inverses run on the offload pool, in bytes. */
#define CHAIN_OFFLOAD_BYTES (64u << 10)

struct chain {
	struct list link; /* conn->chains */
	unsigned int refs; /* its task, and every smb_out that points into its arena */
	struct conn *conn; /* referenced */
	struct task *task; /* NULL: not begun, or over while its last request is parked */
	struct arena arena;
	uint8_t *frame; /* malloc; decrypted in place */
	size_t frame_len;
	struct blob msg; /* the plain message in `frame` */
	struct session *sealed; /* referenced: the message came encrypted in this session */
	struct blob *elems; /* in the arena */
	unsigned int n_elems;
	struct list done; /* smb_req.in_chain: responses that are complete and not queued yet */
	uint64_t serial; /* of the connection's chains */
	bool changes; /* has a request that may change names: notifications wait behind its responses, */
	bool waits; /* ... but not once an interim response said that those take their time */

	/* what related requests inherit (MS-SMB2 3.3.5.2.7.2); referenced */
	bool first; /* nothing was handled yet */
	struct session *session;
	struct channel *channel;
	struct tree *tree;
	struct open *open;
	struct ntstatus create_status; /* of the last CREATE, when it failed */
	bool no_session; /* the former request found none: nothing to inherit */
};

/* A message on its way to the client. */
struct smb_out {
	struct list link; /* conn->out */
	struct chain *chain; /* referenced, or NULL when this struct is a malloc with everything
				behind it */
	uint64_t behind; /* in conn->held: the chains with smaller serials come first */
	uint8_t head[SMB2_FRAME_LEN + SMB2_TRANSFORM_LEN];
	struct iovec *iov; /* [0] is `head` */
	int iovcnt;
	size_t bytes; /* sum of iov */
	struct req_data *datas;
	unsigned int n_datas;
};

/* Handles a frame in a task of its own. Takes `frame` (malloc). -ENOMEM, -EAGAIN: the frame is
 * freed. */
int chain_start(struct conn *c, uint8_t *frame, size_t n);
void chain_unref(struct chain *ch);
/* Answers the parked request, the last one of the message. */
void chain_unpark(struct chain *ch, struct smb_req *req);
/* Queues the responses that are complete. Also outside of tasks. */
void chain_flush(struct chain *ch);

/* Checks one request and runs it (dispatch.c); returns the status of its response. `*ret_drop`
 * names the broken rule when the connection has to be dropped instead. */
struct ntstatus dispatch(struct smb_req *req, const char **ret_drop);
/* Ends what the request uses, once its status is known; the references go with the chain. */
void req_unuse(struct smb_req *req);

/* Decides what the response is signed with, while the session and its channel are in use:
 * afterwards another request may end them (reply.c). */
void reply_choose_key(struct smb_req *req);
/* Makes the response's header in front of what `out` holds (reply.c). */
void reply_finish(struct smb_req *req);
/* Signs, seals and queues `reqs` (smb_req.in_chain), which is empty afterwards. */
void reply_queue(struct chain *ch, struct list *reqs);
/* Gives back what a request holds that gets no response. */
void reply_forget(struct smb_req *req);
/* Queues an interim response (3.3.4.2). */
void reply_interim(struct smb_req *req);

/* Queues a message; takes it. Dropped at once when the connection is dead (conn_send.c). */
void conn_queue(struct conn *c, struct smb_out *out);
/* ... behind the responses to what the connection handles just now and may change names. Takes it. */
void conn_queue_behind(struct conn *c, struct smb_out *out);
/* A chain is over, or waits: queues what waited for its responses. */
void conn_let_go(struct conn *c);
void smb_out_free(struct smb_out *out);
/* Opens or closes the gate of the reader by what is in flight. */
void conn_check_room(struct conn *c);
/* Reader task (conn_read.c): until the connection ends, then takes it apart. */
void conn_reader(void *arg);
/* Ends sessions and everything else (conn.c). In the reader's task. */
void conn_teardown(struct conn *c);

/* Ends an async request's waiting state. */
void req_pend_end(struct smb_req *req);

#endif
