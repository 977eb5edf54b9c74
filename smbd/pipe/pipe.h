/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Named pipes of IPC$: each is the transport of one DCE/RPC association, in message mode. On the home worker's thread.
 */
#ifndef HF_SMBD_PIPE_PIPE_H
#define HF_SMBD_PIPE_PIPE_H

#include "node/base/arena.h"

struct pipe;
struct worker;

/* Opens the pipe `name` ("srvsvc", any case). -ENOENT: there is none of this name; -ENOMEM. */
int pipe_new(struct worker *w, const char *name, struct pipe **ret);
void pipe_free(struct pipe *p);

/* Gives bytes to the service behind the pipe; what it answers waits to be read. -EPIPE: the association is broken, or more
 * answers wait than may (the client does not read them). */
int pipe_write(struct pipe *p, struct blob bytes);
/* Whether an answer waits. */
bool pipe_readable(const struct pipe *p);
/* Takes up to `n` bytes of the first message that waits. Returns the bytes taken; `ret_more`: the message has more.
 * -EAGAIN: nothing waits. */
int64_t pipe_read(struct pipe *p, void *buf, size_t n, bool *ret_more);

#endif
