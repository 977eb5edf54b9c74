/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the link to clusterd share. */
#ifndef HF_CLUSTERD_CLIENT_CLIENT_PRIV_H
#define HF_CLUSTERD_CLIENT_CLIENT_PRIV_H

#include <jansson.h>

#include "clusterd/client/cluster.pb-c.h"
#include "clusterd/client/cluster_client.h"

/* Bytes of a frame behind its length. */
#define CLUSTER_FRAME_MAX (16u << 20)

struct cluster_query {
	struct cluster_client *client;
	uint64_t id;
	enum cluster_query_kind kind;
	uint64_t cursor;
	uint32_t limit;
	uint32_t generation; /* of the connection it came by */
	json_t *rows;
};

struct cluster_query *cluster_query_new(struct cluster_client *c, const Hfc__Query *pb, uint32_t generation);
/* Queues a page; takes nothing. When the connection `generation` is gone it goes nowhere. */
void cluster_client_send_page(struct cluster_client *c, uint32_t generation, const Hfc__Page *page);

#endif
