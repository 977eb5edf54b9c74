/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One lease or oplock (MS-SMB2 3.3.1.12, MS-FSA 2.1.1.10): what it may be granted, what of it a request of somebody
 * else breaks, and how a break ends. An oplock is a lease of one open: level II caches reads, exclusive reads and
 * writes, batch the handle as well; the version tells them apart. Pure; any thread.
 */
#ifndef HF_SMBD_LOCK_LEASE_H
#define HF_SMBD_LOCK_LEASE_H

#include "statestore/record.h"

/* MS-SMB2 2.2.13.2.8 */
#define LEASE_R 0x1u
#define LEASE_H 0x2u
#define LEASE_W 0x4u
#define LEASE_ALL (LEASE_R | LEASE_H | LEASE_W)

/* How long a client may take to acknowledge a break (3.3.2.5, 3.3.6.5), ms. */
#define LEASE_BREAK_MS 35000u

/* What a request does to the caching of others (MS-FSA 2.1.4.12). */
enum lease_op {
	LEASE_OP_NONE, /* an open of attributes only */
	LEASE_OP_OPEN, /* OPEN: what is cached for writing has to come out */
	LEASE_OP_OVERWRITE, /* OPEN that empties the file */
	LEASE_OP_HANDLE, /* sharing violation, rename, deletion: handles that are kept have to be closed */
	LEASE_OP_WRITE, /* WRITE, LOCK, a new size, changed entries of a directory: what is cached for reading is not true any more */
};

/* Whether the client is to hear of a break. */
enum lease_notice {
	LEASE_QUIET,
	LEASE_TOLD, /* it is broken; no acknowledgement */
	LEASE_ASKED, /* it is breaking until the client acknowledges */
};

/* Everybody else's caching and use of the file. */
struct lease_others {
	bool opens; /* opens that are not of attributes only, or that cache anything */
	bool write; /* somebody caches writes */
	bool handle; /* a lease with handle caching */
	bool level2; /* a level II oplock */
	bool locks; /* byte-range locks on bytes that the file has, one's own included */
};

/* What an OPEN with this access (granted) is to a lease of `version`. */
enum lease_op lease_op_of_open(uint8_t version, uint32_t access, bool overwrite);
/* Whether an open with this access leaves the caching of leases of others possible. */
bool lease_stat_open(uint8_t version, uint32_t access);

/* What of `l` may stay when `op` is done. */
uint32_t lease_keeps(const struct rec_lease *l, enum lease_op op);
/* Whether `op` has to wait as long as `l` is what it is now. */
bool lease_waits(const struct rec_lease *l, enum lease_op op);
/* Whether `op` breaks it also when its own holder does it: level II goes with every WRITE and LOCK (MS-FSA 2.1.4.12). */
bool lease_breaks_itself(const struct rec_lease *l, enum lease_op op);
/* Whether the client may serve reads from its cache. */
bool lease_caches_reads(const struct rec_lease *l);

/* Whether it lets a client keep its handle for later, as a durable open needs (MS-SMB2 3.3.5.9.6, 3.3.7.1). */
bool lease_keeps_handle(const struct rec_lease *l);

/* The state that a request for `want` is worth beside `o`. */
uint32_t lease_allowed(uint8_t version, uint32_t want, const struct lease_others *o);
/* Starts a lease as asked for in `l` (state, and epoch when version is 2). */
void lease_grant(struct rec_lease *l, const struct lease_others *o);
/* Another request with its key asks for `want` (3.3.5.9.8, .11): more is granted when all of it can be. True: it was. */
bool lease_upgrade(struct rec_lease *l, uint32_t want, const struct lease_others *o);

/* Somebody else does `op`. */
enum lease_notice lease_contend(struct rec_lease *l, enum lease_op op);
enum lease_ack {
	LEASE_ACK_OK,
	LEASE_ACK_NOT_BREAKING, /* STATUS_UNSUCCESSFUL; oplock: STATUS_INVALID_DEVICE_STATE */
	LEASE_ACK_REFUSED, /* STATUS_REQUEST_NOT_ACCEPTED */
};
/* The client acknowledges with `state` (3.3.5.22). `*ret_next`: what was demanded meanwhile breaks it once more. */
enum lease_ack lease_ack(struct rec_lease *l, uint32_t state, enum lease_notice *ret_next);
/* The client did not acknowledge in time (3.3.6.5). */
void lease_timeout(struct rec_lease *l);

/* A client that comes back is told of the break in progress anew: in an epoch that it cannot have heard of. */
void lease_repeat(struct rec_lease *l);
/* A lease for which somebody was turned away while its client was gone is given to it anew, in the way of Windows: as far as it
 * can be had beside `o`, and from `epoch` on, the newest that the client knows; reads alone count one more. False: it is what it
 * was. */
bool lease_renew(struct rec_lease *l, const struct lease_others *o, uint16_t epoch);

#endif
