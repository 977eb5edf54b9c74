/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What holdfast-noded serves on RUN_DIR/noded.sock (node/rpc over a unix socket; root and noded's
 * own user only). The payload of a request is "INTERFACE ADDRESS/PREFIXLEN" as text, the reply is
 * empty, a refusal an errno.
 */
#ifndef HF_NODE_NODED_NODED_H
#define HF_NODE_NODED_NODED_H

#define NODED_SOCKET "noded.sock"

enum noded_method {
	NODED_ADDR_ADD =
		1, /* adds the address and tells the neighbours; noded removes it when it stops */
	NODED_ADDR_DEL = 2,
};

#endif
