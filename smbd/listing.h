/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operator's listings of sessions, opens and locks. */
#ifndef HF_SMBD_LISTING_H
#define HF_SMBD_LISTING_H

#include "clusterd/client/cluster_client.h"
#include "smbd/proto/worker.h"

/* Answers `q` (takes it) from all workers, in a task of its own on worker 0, on whose thread this
 * is called. */
void listing_answer(struct smbd *s, struct cluster_query *q);

#endif
