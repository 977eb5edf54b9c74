/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records that nobody can read. They keep their slot closed, since nobody knows what they hold, until an operator
 * says (a resource in the store names the slot) that the service of the slot is worth more than they are. The
 * owner itself then moves them aside while it loads the slot, under its own epoch, so there is nobody to race with.
 */
#include "smbd/lock/lockc_priv.h"

#include "node/log/log.h"
#include "statestore/aside.h"

struct unreadable {
	struct arena arena;
	struct blob *keys; /* malloc'ed; what they point to is in the arena */
	unsigned int n, cap;
};

static int add(struct unreadable *u, struct blob key)
{
	uint8_t *k = arena_memdup(&u->arena, key.data, key.len);

	if (k && u->n == u->cap) {
		unsigned int cap = u->cap ? 2 * u->cap : 16;
		struct blob *keys = reallocarray(u->keys, cap, sizeof(*keys));

		if (!keys)
			return -ENOMEM;
		u->keys = keys;
		u->cap = cap;
	}
	if (!k)
		return -ENOMEM;
	u->keys[u->n++] = BLOB(k, key.len);
	return 0;
}

static int look_at(void *arg, struct blob key, struct blob val)
{
	struct rec_open r;
	uint64_t id;
	int e;

	if (rec_open_key_parse(key, &id) < 0)
		return 0;
	e = rec_open_check(key, val, &r);
	if (e == 0)
		rec_open_done(&r);
	return e == -EBADMSG || e == -EPROTONOSUPPORT ? add(arg, key) : e;
}

static int move_all(struct lockc *c, uint32_t slot, uint64_t epoch, const struct unreadable *u)
{
	char text[REC_KEY_TEXT_SIZE];
	int e = 0;

	for (unsigned int i = 0; e == 0 && i < u->n; i++) {
		e = aside_move(c->cfg.store, slot, epoch, u->keys[i]);
		if (e == 0)
			log_warn("lock: a record that cannot be read was moved aside: slot=%u key=%s", slot,
				 rec_key_text(u->keys[i], text));
	}
	return e;
}

int aside_unreadable(struct lockc *c, uint32_t slot, uint64_t epoch)
{
	char name[REC_REPAIR_NAME_SIZE];
	struct unreadable u = { 0 };
	struct store_res res;
	int e, moved;

	rec_repair_name(slot, name);
	arena_init(&u.arena, 0);
	e = store_res_get(c->cfg.store, REC_REPAIR_KIND, name, &u.arena, &res);
	if (e == 0)
		e = store_scan(c->cfg.store, slot, look_at, &u);
	if (e == 0)
		e = move_all(c, slot, epoch, &u);
	if (e == 0)
		e = store_res_put(c->cfg.store, REC_REPAIR_KIND, name, BLOB(NULL, 0), res.version, NULL);
	moved = (int)u.n;
	free(u.keys);
	arena_reset(&u.arena);
	if (e == -ENOENT || e == -ESTALE)
		return 0; /* nobody asked, or the slot is not ours any more */
	if (e < 0)
		log_err("lock: records cannot be moved aside: slot=%u error=%s", slot, log_errno(e));
	return e < 0 ? e : moved;
}
