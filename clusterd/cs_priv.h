/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What cs.c and cs_info.c share. */
#ifndef HF_CLUSTERD_CS_PRIV_H
#define HF_CLUSTERD_CS_PRIV_H

#include <corosync/cmap.h>
#include <corosync/cpg.h>
#include <corosync/votequorum.h>

#include "clusterd/cs.h"

struct cs_out {
	struct cs_out *next;
	size_t n;
	uint8_t data[];
};

struct cs {
	qb_loop_t *loop;
	const struct cs_ops *ops;
	void *arg;
	cpg_handle_t cpg;
	votequorum_handle_t vq;
	cmap_handle_t cmap;
	int cpg_fd, vq_fd;
	bool up, joined, said_lost;
	uint64_t retry_ms;
	qb_loop_timer_handle connect_timer, send_timer;
	struct cs_info info;
	bool have_ring;
	struct vcore_ring ring;
	uint32_t n_procs;
	struct vcore_proc procs[VIEW_MEMBERS_MAX];
	struct cs_out *out, **out_tail;
	size_t out_bytes;
};

/* Reads the nodelist and the settings of totem from cmap. */
cs_error_t cs_read_config(struct cs *c);
/* Reads votes of all nodes, expected votes and the majority. */
cs_error_t cs_read_votes(struct cs *c);

#endif
