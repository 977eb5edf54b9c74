/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An SMB server inside a test program, with a configuration of its own instead of a cluster's. Any
 * one thread. */
#ifndef HF_TESTS_UNIT_SMBD_PROTO_FIXTURE_H
#define HF_TESTS_UNIT_SMBD_PROTO_FIXTURE_H

#include "smbd/proto/server.h"

#define FIXTURE_USER "alice"
#define FIXTURE_PASSWORD "Wonder-land1"
#define FIXTURE_USER2 "bob"
#define FIXTURE_PASSWORD2 "Builder-2"

/* The configuration: shares "data" (all), "sealed" (encrypted), "alices" (alice alone), "ro"
 * (read-only), "ca". Change fields and call fixture_apply(). */
struct fixture {
	struct smbd smbd;
	uint16_t port;
	char dir[64]; /* what the shares show; made and removed by the fixture unless `keep` */
	bool keep;
	char store[64]; /* file state */
	struct tunables tunables;
	size_t n_shares; /* the first ones */
};

/* Starts with `workers` threads at 127.0.0.1:`port` (0: any). Fails the program when that cannot
 * be. */
void fixture_start(struct fixture *f, unsigned int workers, uint16_t port);
/* Hands the present configuration out, and returns when every worker has it. */
void fixture_apply(struct fixture *f);
void fixture_stop(struct fixture *f);

#endif
