/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Session and its channels (MS-SMB2 3.3.1.8, 3.3.1.14). A session lives on the home worker of its
 * client; it is referenced by its table entry and by every request that uses it.
 */
#ifndef HF_SMBD_PROTO_SESSION_H
#define HF_SMBD_PROTO_SESSION_H

#include "node/auth/auth.h"
#include "node/base/limit.h"
#include "node/base/sid.h"
#include "node/crypto/smb_seal.h"
#include "node/crypto/smb_sign.h"
#include "smbd/proto/tree.h"

struct conn;
struct cred;

enum session_state {
	SESSION_IN_PROGRESS, /* the first authentication is not finished */
	SESSION_VALID,
	SESSION_EXPIRED, /* the ticket ended: only SESSION_SETUP, LOGOFF, CLOSE, LOCK, CANCEL are
			    served */
	SESSION_CLOSING, /* no longer found */
};

/* One session on one connection. */
struct channel {
	struct list in_session; /* session->channels */
	struct list in_conn; /* conn->channels */
	unsigned int refs;
	struct session *session; /* referenced */
	struct conn *conn; /* NULL once the channel was taken away */
	bool valid; /* authenticated (for a bound channel: bound) */
	bool binding; /* an unfinished binding */
	bool busy; /* a SESSION_SETUP runs on the offload pool */
	struct sign_key *sign; /* Channel.SigningKey */
	struct preauth preauth; /* of the exchange in progress */
	struct auth_context *auth; /* exchange in progress, or NULL */
};

struct session {
	struct hnode by_id; /* worker->sessions */
	unsigned int refs;
	uint64_t id;
	enum session_state state;
	struct worker *worker;
	struct guid client_guid;
	uint16_t dialect;
	struct list channels;
	struct list trees;
	struct list opens;
	struct use use; /* smb_req.in_session */
	struct gate ended; /* opens when session_close() is through */
	uint32_t next_tree_id;
	struct limit tree_limit, open_limit, notify_limit;

	struct auth_user user; /* name, uid, gid, groups */
	struct sid owner_sid; /* the user's */
	char *domain; /* as the client gave it */
	enum auth_mech mech;
	struct cred *cred; /* what file operations run as; referenced */
	int64_t expires; /* seconds since the epoch; 0: never */
	struct timer expiry;
	struct sign_key *sign; /* Session.SigningKey: of the first channel; verifies bindings */
	enum sign_alg sign_alg; /* its algorithm */

	bool sign_required;
	bool encrypt; /* ENCRYPT_DATA: unencrypted requests are refused */
	bool encryption_seen;
	bool takes_back; /* its first reclaimed open was logged */
	uint8_t application_key[SMB_KEY_LEN];
	struct seal_key *seal_in, *seal_out; /* NULL: this session cannot encrypt */
	enum seal_alg cipher;
	uint64_t created_at; /* wall clock ns */
	uint64_t last_used; /* loop clock ns */
};

/* Makes a session with a fresh id and its first channel on `c`. -EDQUOT: max_sessions on this
 * connection; -ENOMEM. */
int session_new(struct conn *c, struct session **ret);
struct session *session_ref(struct session *s);
void session_unref(struct session *s);
DEFINE_CLEANUP(struct session, session, session_unref)
/* Where a session with this id lives. */
struct session_home {
	uint32_t node; /* the low 16 bits of the node id */
	unsigned int worker;
};
uint64_t session_id_make(uint32_t node, unsigned int worker, uint64_t random);
struct session_home session_id_home(uint64_t id);
/* NULL when this worker has none of this id, or it is closing. */
struct session *session_find(struct worker *w, uint64_t id);
/* Also those that are closing. */
struct session *session_find_any(struct worker *w, uint64_t id);
/* Whether it has a connection that lives. */
bool session_connected(const struct session *s);
/* Sets when the session expires: seconds since the epoch, 0: never. */
void session_set_expiry(struct session *s, int64_t expires);
/* The channel of `s` on `c`, or NULL. */
struct channel *session_channel(const struct session *s, const struct conn *c);
/* Adds an unfinished channel for a binding. -EDQUOT: max_channels; -ENOMEM. */
int session_add_channel(struct session *s, struct conn *c, struct channel **ret);
/* Takes a channel away (failed binding, lost connection); the session and its other channels are
 * not touched. */
void channel_remove(struct channel *ch);
struct channel *channel_ref(struct channel *ch);
void channel_unref(struct channel *ch);
/* [task] Ends every tree and open, then the session. False when another task does so already. */
bool session_close(struct session *s, struct smb_req *self, enum open_end why);

#endif
