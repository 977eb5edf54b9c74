/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection of the test client: one socket, the requests that wait on it, its credits and keys.
 * It checks what a careful client must check: every answer's signature or encryption, its message
 * id and its command. One thread.
 *
 * Faults are negative errno, with a sentence in conn_error(). -EPIPE: the server closed the
 * connection; -ETIME: no answer in time; -EPROTO: the server broke the protocol.
 */
#ifndef HF_TESTS_CLIENT_CONN_H
#define HF_TESTS_CLIENT_CONN_H

#include "node/base/list.h"
#include "node/crypto/preauth.h"
#include "node/crypto/smb_seal.h"
#include "node/crypto/smb_sign.h"
#include "node/net/addr.h"
#include "smbd/wire/break.h"
#include "smbd/wire/negotiate.h"

#define CONN_BROKEN_MAX 64

struct conn;

/* A session: what stays the same on all its channels. Counted. */
struct sess {
	unsigned int refs;
	uint64_t id;
	uint16_t flags; /* of the last SESSION_SETUP response */
	uint8_t key[SMB_KEY_LEN];
	size_t key_len;
	struct sign_key *sign; /* of the first channel */
	struct seal_key *seal_out, *seal_in;
	bool want_sign; /* sign every request */
	bool want_seal; /* seal every request */
	bool established;
	bool anonymous; /* guest or null: nothing is signed */
};

/* A session on one connection. */
struct chan {
	struct list link; /* in conn.chans */
	struct sess *sess;
	struct sign_key *sign;
	struct preauth preauth; /* while its exchange goes on */
	bool valid;
};

enum call_state {
	CALL_SENT,
	CALL_PENDING, /* an interim response came */
	CALL_DONE,
	CALL_LOST, /* the connection was freed */
};

/* A request on its way. The owner keeps it until it is done or forgotten. */
struct call {
	struct list link; /* in conn.calls */
	uint16_t command;
	uint16_t charge;
	bool other_command; /* a lie made another command of it */
	uint64_t message_id;
	uint64_t async_id;
	struct sess *sess; /* whose keys its answer must bear; may be NULL. Not counted */
	enum call_state state;
	unsigned int interims;
	uint64_t sent_ns, done_ns; /* CLOCK_MONOTONIC */
	/* The final answer has come; `msg` lives until the callback returns. NULL: it is copied to
	 * `reply`. */
	void (*done)(struct call *c, const struct smb2_hdr *hdr, struct blob msg);
	struct smb2_hdr hdr;
	struct blob reply; /* malloced, freed by call_done() */
};

struct conn_config {
	const uint16_t *dialects; /* offered */
	size_t n_dialects;
	const uint16_t *signing_algs, *ciphers; /* offered in 3.1.1; none: no such context */
	size_t n_signing_algs, n_ciphers;
	uint16_t security_mode;
	uint32_t capabilities;
	struct guid client_guid;
	bool smb1; /* begin with SMB1's negotiate */
	uint64_t timeout_ns;
};

struct conn {
	int fd; /* -1 after it was closed */
	struct conn_config config;
	char server[64]; /* the address without its port, for \\server\share */
	/* what was negotiated; 0: not yet */
	uint16_t dialect;
	uint16_t security_mode;
	uint32_t capabilities, max_transact, max_read, max_write;
	struct guid server_guid;
	enum sign_alg sign_alg;
	uint16_t cipher; /* 0: none */
	uint16_t sign_ctx; /* whether the server answered with a signing context */
	struct preauth preauth;
	bool large_mtu;
	/* requests */
	uint64_t next_mid;
	uint32_t credits;
	uint16_t want_credits; /* what each request asks for */
	bool ignore_credits; /* send whatever the server allows */
	struct list calls, chans;
	struct smb2_break broken[CONN_BROKEN_MAX]; /* notifications of breaks that nobody asked for yet; the oldest go first */
	unsigned int n_broken;
	/* what has been received and not been used */
	uint8_t *in;
	size_t in_start, in_end, in_cap;
	/* where messages are put together */
	uint8_t *out;
	size_t out_cap;
	uint64_t bytes_in, bytes_out;
	bool check; /* verify signatures (a load generator may not want to) */
	char error[256];
};

/* Fills in what a client offers when nothing else is asked: all dialects, algorithms and ciphers, a
 * random GUID, 10 s. */
void conn_config_init(struct conn_config *cfg);
/* Connects. -ECONNREFUSED, -ETIME, ...; `cfg` is copied, the arrays in it are not. */
int conn_open(const struct net_addr *addr, const struct conn_config *cfg, struct conn **ret);
/* Closes (with a reset when `reset`); what waits stays for its owners to forget. NULL is fine. */
void conn_close(struct conn *c, bool reset);
/* Closes and frees. No call may wait on it any more. */
void conn_free(struct conn *c);
/* The sentence that belongs to the last fault. */
const char *conn_error(const struct conn *c);
/* Sets that sentence and returns `err`. */
int conn_fail(struct conn *c, int err, const char *fmt, ...) HF_PRINTF(3, 4);

/* Sends bytes as they are. Receives meanwhile when the server does not take them. */
int conn_send(struct conn *c, struct iovec *iov, int iovcnt);
/* Receives one message and gives its answers to their calls. -ETIME at `deadline` (CLOCK_MONOTONIC
 * ns). */
int conn_receive(struct conn *c, uint64_t deadline);
/* Whether a whole message is in the buffer. */
bool conn_has_message(const struct conn *c);
/* Waits for a call's final answer, or with `interim` for any. */
int conn_wait(struct conn *c, struct call *call, bool interim, uint64_t deadline);
/* Waits until the server closes the connection; answers that come are dropped. 0; -ETIME. */
int conn_wait_close(struct conn *c, uint64_t deadline);
/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t conn_now(void);
uint64_t conn_deadline(const struct conn *c);

/* Starts waiting for the answer to a call whose message_id, command and sess are set. */
void conn_add_call(struct conn *c, struct call *call);
/* Forgets a call and frees its reply; harmless on one that never started. */
void call_done(struct call *call);

struct chan *conn_find_chan(struct conn *c, const struct sess *s);
struct chan *conn_find_chan_id(struct conn *c, uint64_t session_id);
int chan_new(struct conn *c, struct sess *s, struct chan **ret);
void chan_free(struct chan *ch);

struct sess *sess_new(void);
struct sess *sess_ref(struct sess *s);
void sess_unref(struct sess *s);

#endif
