/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages between notify modules: whatever decodes is written and read again to the same. The input
 * is one message.
 */
#include "smbd/notify/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct ntm m, d;
	struct blob b;

	arena_init(&a, 0);
	if (ntm_decode(BLOB(data, size), &a, &m) < 0)
		return 0;
	assert(ntm_encode(&m, &a, &b) == 0);
	assert(ntm_decode(b, &a, &d) == 0);
	assert(d.kind == m.kind && d.flags == m.flags && d.seq == m.seq && d.id == m.id &&
	       d.round == m.round && d.filter == m.filter && d.version == m.version);
	assert(d.n_changes == m.n_changes && d.n_plain == m.n_plain && d.n_tree == m.n_tree);
	for (unsigned int i = 0; i < m.n_changes; i++)
		assert(d.changes[i].action == m.changes[i].action &&
		       strcmp(d.changes[i].name, m.changes[i].name) == 0);
	return 0;
}
