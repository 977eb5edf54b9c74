/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking another worker to do something, and waiting for it. */
#ifndef HF_SMBD_PROTO_CALL_H
#define HF_SMBD_PROTO_CALL_H

#include "smbd/proto/worker.h"

typedef void worker_fn(struct worker *w, void *arg);

/* [task] Runs fn(to, arg) in a task on `to` and waits for its end, shielded; directly when `to` is
 * this worker. -ENOMEM, -EAGAIN: there was no room for the task; fn did not run. */
int worker_call(struct worker *to, worker_fn *fn, void *arg);
/* The same from a thread that is no worker, which blocks. Without room for a task the process ends.
 */
void server_call(struct worker *to, worker_fn *fn, void *arg);

#endif
