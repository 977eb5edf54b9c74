/* SPDX-License-Identifier: GPL-3.0-or-later */
/* As much of DER (X.690) as SPNEGO needs: elements with one-byte tags and definite lengths. Pure.
 */
#ifndef HF_NODE_AUTH_DER_H
#define HF_NODE_AUTH_DER_H

#include "node/wire/rd.h"
#include "node/wire/wr.h"

#define DER_OCTET_STRING 0x04
#define DER_OID 0x06
#define DER_ENUMERATED 0x0a
#define DER_GENERAL_STRING 0x1b
#define DER_SEQUENCE 0x30
#define DER_APPLICATION_0 0x60
#define DER_CONTEXT(n) (0xa0 + (n)) /* constructed, context-specific */

/* Tag of the next element; 0 at the end of the fence. */
static inline uint8_t der_peek(const struct rd *r)
{
	return rd_left(r) ? r->pos[0] : 0;
}
/* Steps over the next element, which must have this tag, and returns its content as a fenced child.
 * Fails `r` and the child otherwise: another tag, an indefinite length or one of more than 4 bytes,
 * content that does not fit. */
struct rd der_take(struct rd *r, uint8_t tag);
/* Steps over the next element whatever it is. */
void der_skip(struct rd *r);
/* Takes the element that an explicit tag wraps, and which must fill it. */
struct rd der_take_in(struct rd *r, uint8_t outer, uint8_t tag);

/* Begins an element; what is written until der_end() is its content. Returns the mark for
 * der_end(). */
size_t der_begin(struct wr *w, uint8_t tag);
void der_end(struct wr *w, size_t mark);
/* A whole element. */
void der_put(struct wr *w, uint8_t tag, struct blob content);

#endif
