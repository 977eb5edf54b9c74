/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server service (MS-SRVS): lists of shares for clients that look around. Its context is the struct worker. */
#ifndef HF_SMBD_PIPE_SRVSVC_H
#define HF_SMBD_PIPE_SRVSVC_H

#include "node/dcerpc/assoc.h"

extern const struct dce_iface srvsvc_iface;

#endif
