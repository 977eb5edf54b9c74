/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server's side of one DCE/RPC association: bytes in, bytes out, no I/O. Requests are put together from their
 * fragments (bounded) and given to the interface that their presentation context was bound to.
 */
#ifndef HF_NODE_DCERPC_ASSOC_H
#define HF_NODE_DCERPC_ASSOC_H

#include "node/dcerpc/pdu.h"

/* One operation of an interface: reads its parameters from `in`, writes results to `out` (both NDR stubs). 0, or a
 * DCE_* fault status. `ctx` is what the association was made with; called in the caller's task. */
typedef uint32_t dce_call_fn(void *ctx, struct arena *a, struct rd *in, struct wr *out);

struct dce_iface {
	struct dce_syntax syntax;
	const char *name;
	dce_call_fn *const *ops; /* by opnum; NULL entries are not implemented: DCE_NCA_OP_RNG_ERROR */
	unsigned int n_ops;
};

struct dce_assoc;

/* `ifaces` (n of them) are what this end point offers; `sec_addr` is its name in the bind_ack ("\\PIPE\\srvsvc").
 * -ENOMEM. Everything passed must outlive the association. */
int dce_assoc_new(const struct dce_iface *const *ifaces, unsigned int n, const char *sec_addr, void *ctx,
		  struct dce_assoc **ret);
void dce_assoc_free(struct dce_assoc *d);

/*
 * Takes bytes as they come (any part of a PDU, or several) and appends what is to be sent back to `out`. -EBADMSG,
 * -EMSGSIZE: the peer broke the protocol or a bound, the association is over and its transport should be closed;
 * -ENOMEM.
 */
int dce_assoc_input(struct dce_assoc *d, struct blob bytes, struct arena *a, struct wr *out);

#endif
