/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What differs between the nodes of a cluster: /etc/holdfast/node.yaml. */
#ifndef HF_NODE_CONF_NODE_CONF_H
#define HF_NODE_CONF_NODE_CONF_H

#include "node/conf/conf.h"

#define NODE_CONF_PATH "/etc/holdfast/node.yaml"

struct node_conf {
	char *name; /* of the node, unique in the cluster */
	int node_id; /* corosync's nodeid, 1 and up */
	struct conf_list addresses; /* where smbd listens; addresses without port take `port` */
	char *rpc_address; /* address and port for the other nodes */
	int port; /* SMB over TCP */
	char *store; /* "lmdb:/path" or "rados:..." */
	char *run_dir; /* sockets and pid files */
	char *state_dir; /* what must survive a reboot of the node */
	char *log; /* "journal", "stderr", "file:/path" */
	int log_level; /* enum log_level */
	int workers; /* threads of smbd; never 0 after node_conf_load */
	char *cluster_key_file; /* the pre-shared key of node-to-node RPC */
	char *keytab; /* Kerberos keytab; NULL: no Kerberos */
};

extern const struct conf_schema node_conf_schema;

/* Loads the file. On failure the errno, one sentence in `err`, and `*ret` untouched. Free with
 * node_conf_free. */
int node_conf_load(const char *path, struct node_conf **ret, struct conf_error *err);
/* Accepts NULL. */
void node_conf_free(struct node_conf *c);
DEFINE_CLEANUP(struct node_conf, node_conf, node_conf_free)
#define _cleanup_node_conf_ _cleanup_(cleanup_node_conf)

#endif
