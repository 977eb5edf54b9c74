/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an open directory keeps of CHANGE_NOTIFY, from its first request on. Home worker's thread. */
#ifndef HF_SMBD_OP_CHANGE_NOTIFY_H
#define HF_SMBD_OP_CHANGE_NOTIFY_H

struct watch;

/* Ends it; no request waits any more. NULL is allowed. */
void watch_free(struct watch *w);

#endif
