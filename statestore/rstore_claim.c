/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Claims: one operation per slot, all at once. It holds only where the slot's epoch is lower. Where it does not hold, the
 * owner is read, since the same owner may claim again; a slot that nobody ever claimed is made.
 */
#include "statestore/rstore_priv.h"

#include <inttypes.h>
#include <stdio.h>

#include "node/base/clock.h"
#include "statestore/wait.h"

struct claim;

struct claim_one {
	struct claim *claim;
	unsigned int i;
	void (*then)(struct claim_one *one, int r);
	rados_xattrs_iter_t xattrs;
	int prval;
};

/* On the stack of who claims. */
struct claim {
	struct rstore *s;
	const uint32_t *slots;
	const struct store_owner *owner;
	bool *ok;
	char epoch[RSTORE_EPOCH_LEN + 1], text[RSTORE_OWNER_MAX];
	atomic_uint left;
	atomic_int status;
	struct store_wait wait;
};

static void owner_text(const struct store_owner *o, char out[RSTORE_OWNER_MAX])
{
	snprintf(out, RSTORE_OWNER_MAX, "%016" PRIx64 " %" PRIu32 " %016" PRIx64, o->epoch, o->node, o->incarnation);
}

static int owner_parse(const char *text, struct store_owner *ret)
{
	struct store_owner o;
	int end = 0;

	if (sscanf(text, "%" SCNx64 " %" SCNu32 " %" SCNx64 "%n", &o.epoch, &o.node, &o.incarnation, &end) != 3 ||
	    text[end])
		return -EUCLEAN;
	*ret = o;
	return 0;
}

static void one_done(struct claim_one *one, int r)
{
	struct claim *c = one->claim;
	struct rstore *s = c->s;

	free(one);
	if (r < 0)
		atomic_store(&c->status, r);
	if (atomic_fetch_sub(&c->left, 1) == 1)
		store_wait_done(&c->wait, atomic_load(&c->status));
	rstore_end(s);
}

static void on_one(rados_completion_t c, void *arg)
{
	struct claim_one *one = arg;
	int r = rados_aio_get_return_value(c);

	rados_aio_release(c);
	if (r == -ESHUTDOWN)
		rstore_fenced(one->claim->s);
	one->then(one, r);
}

static void send_write(struct claim_one *one, rados_write_op_t op)
{
	struct claim *c = one->claim;
	char oid[RSTORE_OID_MAX];
	rados_completion_t comp;
	int r;

	rados_write_op_setxattr(op, "epoch", c->epoch, RSTORE_EPOCH_LEN);
	rados_write_op_setxattr(op, "owner", c->text, strlen(c->text));
	rstore_slot_oid(c->slots[one->i], oid);
	rados_aio_create_completion2(one, on_one, &comp);
	r = rados_aio_write_op_operate(op, c->s->io, comp, oid, NULL, LIBRADOS_OPERATION_FULL_TRY);
	rados_release_write_op(op);
	if (r < 0) {
		rados_aio_release(comp);
		one_done(one, r);
	}
}

static void send_raise(struct claim_one *one);

static void on_read(struct claim_one *one, int r)
{
	struct claim *c = one->claim;
	struct store_owner o;
	char text[RSTORE_OWNER_MAX];
	bool found = rstore_xattr(one->xattrs, "owner", text, sizeof(text));

	if (r == 0)
		r = found ? owner_parse(text, &o) : -EUCLEAN;
	c->ok[one->i] = r == 0 && strcmp(text, c->text) == 0;
	one_done(one, r);
}

/* The epoch is not lower: whose is it? */
static void send_read(struct claim_one *one)
{
	rados_read_op_t op = rados_create_read_op();
	struct claim *c = one->claim;
	char oid[RSTORE_OID_MAX];
	rados_completion_t comp;
	int r;

	one->then = on_read;
	rados_read_op_getxattrs(op, &one->xattrs, &one->prval);
	rstore_slot_oid(c->slots[one->i], oid);
	rados_aio_create_completion2(one, on_one, &comp);
	r = rados_aio_read_op_operate(op, c->s->io, comp, oid, LIBRADOS_OPERATION_NOFLAG);
	rados_release_read_op(op);
	if (r < 0) {
		rados_aio_release(comp);
		on_read(one, r);
	}
}

static void on_make(struct claim_one *one, int r)
{
	if (r == -EEXIST) {
		send_raise(one); /* somebody else was faster */
		return;
	}
	one->claim->ok[one->i] = r == 0;
	one_done(one, r);
}

static void send_make(struct claim_one *one)
{
	rados_write_op_t op = rados_create_write_op();

	one->then = on_make;
	rados_write_op_create(op, LIBRADOS_CREATE_EXCLUSIVE, NULL);
	send_write(one, op);
}

static void on_raise(struct claim_one *one, int r)
{
	if (r == -ENOENT || r == -ENODATA) {
		send_make(one);
	} else if (r == -ECANCELED) {
		send_read(one);
	} else {
		one->claim->ok[one->i] = r == 0;
		one_done(one, r);
	}
}

/* The comparison reads: our epoch is greater than the slot's. */
static void send_raise(struct claim_one *one)
{
	rados_write_op_t op = rados_create_write_op();

	one->then = on_raise;
	rados_write_op_cmpxattr(op, "epoch", LIBRADOS_CMPXATTR_OP_GT, one->claim->epoch, RSTORE_EPOCH_LEN);
	send_write(one, op);
}

struct map_waiter {
	struct list link;
	struct store_wait wait;
};

/* Asks for the newest map and tells the others who wait for one. */
static int ask_map(struct rstore *s, uint64_t epoch)
{
	struct map_waiter *w;
	struct list waiters;
	int r = rstore_newest_map(s);

	list_init(&waiters);
	pthread_mutex_lock(&s->mutex);
	s->map.asking = false;
	if (r == 0)
		s->map.epoch = epoch;
	list_splice(&waiters, &s->map.waiters);
	pthread_mutex_unlock(&s->mutex);
	while ((w = list_first(&waiters, struct map_waiter, link))) {
		list_remove(&w->link);
		store_wait_done(&w->wait, r);
	}
	return r;
}

/* The OSDs learn from the claim's map whom the cluster has fenced before it gave us the slots under this epoch. One asks, since
 * that takes a thread for as long as no monitor answers. */
static int newest_map(struct rstore *s, uint64_t epoch)
{
	struct map_waiter w;
	bool known, asking;
	int r = 0;

	do {
		pthread_mutex_lock(&s->mutex);
		known = s->map.epoch == epoch;
		asking = !known && s->map.asking;
		if (asking) {
			store_wait_init(&w.wait);
			list_append(&s->map.waiters, &w.link);
		} else if (!known) {
			s->map.asking = true;
		}
		pthread_mutex_unlock(&s->mutex);
		if (asking)
			r = store_wait(&w.wait);
		else if (!known)
			r = ask_map(s, epoch);
	} while (asking && r == 0);
	return r;
}

int rstore_claim(struct store *st, const uint32_t *slots, unsigned int n, const struct store_owner *owner,
		 bool *ret_ok)
{
	struct rstore *s = RSTORE_OF(st);
	struct claim c = { .s = s, .slots = slots, .owner = owner, .ok = ret_ok, .left = n };
	unsigned int i;
	int r;

	r = newest_map(s, owner->epoch);
	if (r < 0)
		return r;
	rstore_epoch_text(owner->epoch, c.epoch);
	owner_text(owner, c.text);
	store_wait_init(&c.wait);
	for (i = 0; i < n; i++) {
		struct claim_one *one = calloc(1, sizeof(*one));

		rstore_begin(s);
		ret_ok[i] = false;
		if (!one) {
			atomic_store(&c.status, -ENOMEM);
			if (atomic_fetch_sub(&c.left, 1) == 1)
				store_wait_done(&c.wait, -ENOMEM);
			rstore_end(s);
			continue;
		}
		one->claim = &c;
		one->i = i;
		send_raise(one);
	}
	return rstore_errno(store_wait(&c.wait));
}

int rstore_slot_owner(struct store *st, uint32_t slot, struct store_owner *ret)
{
	rados_read_op_t op = rados_create_read_op();
	rados_xattrs_iter_t iter;
	char oid[RSTORE_OID_MAX], text[RSTORE_OWNER_MAX];
	int prval, r;
	bool found;

	rados_read_op_getxattrs(op, &iter, &prval);
	rstore_slot_oid(slot, oid);
	r = rstore_read(RSTORE_OF(st), oid, op);
	found = rstore_xattr(iter, "owner", text, sizeof(text));
	if (r == -ENOENT) {
		*ret = (struct store_owner){ 0 };
		return 0;
	}
	if (r < 0)
		return rstore_errno(r);
	return found ? owner_parse(text, ret) : -EUCLEAN;
}
