/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes bytes over a record of the state store, as damage to it would: spoil URL SLOT KEY-IN-HEX TEXT. With the text --flip it
 * inverts what is there, which a second time mends it.
 */
#include <stdio.h>

#include "statestore/store.h"

static int flip(struct store *s, uint32_t slot, struct store_mut *m, struct arena *a)
{
	struct blob was;
	int r = store_get(s, slot, m->key, a, &was);
	uint8_t *p = r == 0 ? arena_memdup(a, was.data, was.len) : NULL;

	for (size_t i = 0; p && i < was.len; i++)
		p[i] = (uint8_t)~p[i];
	m->val = BLOB(p, was.len);
	return r < 0 ? r : p ? 0 : -ENOMEM;
}

int main(int argc, char **argv)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t key[STORE_KEY_MAX];
	struct store_owner owner;
	struct store_mut m;
	struct store *s;
	char err[256] = "";
	unsigned int v;
	size_t n = 0;
	int r;

	if (argc != 5)
		return 2;
	r = store_open(argv[1], NULL, &s, err, sizeof(err));
	if (r < 0) {
		fprintf(stderr, "spoil: %s\n", err);
		return 1;
	}
	while (n < sizeof(key) && sscanf(argv[3] + 2 * n, "%2x", &v) == 1)
		key[n++] = (uint8_t)v;
	m = (struct store_mut){ BLOB(key, n), BLOB(argv[4], strlen(argv[4])) };
	r = store_slot_owner(s, (uint32_t)atoi(argv[2]), &owner);
	if (r == 0 && strcmp(argv[4], "--flip") == 0)
		r = flip(s, (uint32_t)atoi(argv[2]), &m, &a);
	if (r == 0)
		r = store_write(s, (uint32_t)atoi(argv[2]), owner.epoch, &m, 1);
	store_close(s);
	if (r < 0)
		fprintf(stderr, "spoil: %s\n", strerror(-r));
	return r < 0;
}
