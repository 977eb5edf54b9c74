/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a worker counts of leases and oplocks, for the operator. Each worker has its own. Pure. */
#ifndef HF_SMBD_LOCK_COUNTS_H
#define HF_SMBD_LOCK_COUNTS_H

#include "clusterd/client/lease_stats.h"
#include "smbd/lock/lease.h"

/* A lease of a file or a directory, or an oplock (l->version 0), has its state from now on. */
void counts_granted(struct lease_stats *c, const struct rec_lease *l, bool directory);
/* A break began because of `op`, by a changed entry when it is of a directory; LEASE_QUIET: none did. */
void counts_break(struct lease_stats *c, enum lease_notice n, enum lease_op op, bool directory);
/* The rest of a break began, after what came before was acknowledged; LEASE_QUIET: there is no rest. */
void counts_break_next(struct lease_stats *c, enum lease_notice n);
/* A client was done with a break `ns` after it was asked. */
void counts_took(struct lease_stats *c, uint64_t ns);

#endif
