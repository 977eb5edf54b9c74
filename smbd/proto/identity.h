/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Users of the cluster's configuration, as authentication asks for them. Any thread. */
#ifndef HF_SMBD_PROTO_IDENTITY_H
#define HF_SMBD_PROTO_IDENTITY_H

#include "clusterd/client/cluster_config.h"
#include "node/auth/auth.h"
#include "node/conf/node_conf.h"

/* Makes the authentication of this server under `c` (referenced while it lives). -ENOMEM, -EINVAL.
 */
int identity_server_new(const struct node_conf *conf, const struct cluster_config *c,
			struct auth_server **ret);

#endif
