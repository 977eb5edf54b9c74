/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes a snapshot of the configuration from the records that clusterd sends. Pure but for the log; any thread. */
#ifndef HF_CLUSTERD_CLIENT_CONFIG_PB_H
#define HF_CLUSTERD_CLIENT_CONFIG_PB_H

#include "clusterd/client/cluster.pb-c.h"
#include "clusterd/client/cluster_config.h"

/* A record that cannot be understood is logged and left out: a share is not served, a user cannot log on; settings stay
 * those of `before` (NULL: the defaults). One reference. -EBADMSG: not a configuration; -ENOMEM. */
int cluster_config_from_pb(const Hfc__Config *pb, const struct cluster_config *before, struct cluster_config **ret);
/* S-1-5-21-a-b-c, made of the cluster's id. */
void cluster_domain_sid(const uint8_t id[16], struct sid *ret);

#endif
