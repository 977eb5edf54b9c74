/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Permission bits as security descriptors and back. Pure; any thread. */
#include "smbd/op/secmode.h"

#include "smbd/wire/smb2.h"

static const struct sid sid_everyone = { 1, 1, { 0, 0, 0, 0, 0, 1 }, { 0 } };
static const struct sid sid_authenticated = { 1, 1, { 0, 0, 0, 0, 0, 5 }, { 11 } };
static const struct sid sid_creator_owner = { 1, 1, { 0, 0, 0, 0, 0, 3 }, { 0 } };
static const struct sid sid_creator_group = { 1, 1, { 0, 0, 0, 0, 0, 3 }, { 1 } };
static const struct sid sid_owner_rights = { 1, 1, { 0, 0, 0, 0, 0, 3 }, { 4 } };
static const struct sid sid_system = { 1, 1, { 0, 0, 0, 0, 0, 5 }, { 18 } };
static const struct sid sid_administrators = { 1, 2, { 0, 0, 0, 0, 0, 5 }, { 32, 544 } };

struct sid secmode_unix_user(uint32_t uid)
{
	return (struct sid){ 1, 2, { 0, 0, 0, 0, 0, 22 }, { 1, uid } };
}

struct sid secmode_unix_group(uint32_t gid)
{
	return (struct sid){ 1, 2, { 0, 0, 0, 0, 0, 22 }, { 2, gid } };
}

/* The rights of one class: `bits` are r=4 w=2 x=1. */
static uint32_t rights_of(uint32_t bits, bool directory)
{
	uint32_t m = 0;

	if (bits & 4)
		m |= SMB2_FILE_GENERIC_READ;
	if (bits & 2)
		m |= SMB2_FILE_GENERIC_WRITE | (directory ? SMB2_FILE_DELETE_CHILD : 0);
	if (bits & 1)
		m |= SMB2_FILE_GENERIC_EXECUTE;
	return m;
}

/* Rights that one class lacks and another one has: without those that every class is granted anyway. */
static uint32_t denied(uint32_t bits, uint32_t others, bool directory)
{
	return rights_of(others & ~bits, directory) & ~rights_of(bits, directory) &
	       ~(uint32_t)(SMB2_READ_CONTROL | SMB2_SYNCHRONIZE | SMB2_FILE_READ_ATTRIBUTES);
}

static void add(struct acl *l, uint8_t type, const struct sid *sid, uint32_t mask)
{
	if (mask)
		l->aces[l->n_aces++] = (struct ace){ .type = type, .mask = mask, .sid = *sid };
}

struct acl *secmode_dacl(struct arena *a, const struct secmode_ids *ids, uint32_t mode, bool directory)
{
	uint32_t u = mode >> 6 & 7, g = mode >> 3 & 7, o = mode & 7;
	struct acl *l = arena_new(a, struct acl);

	if (l)
		l->aces = arena_calloc(a, 5, sizeof(*l->aces));
	if (!l || !l->aces)
		return NULL;
	l->revision = 2;
	add(l, ACE_ACCESS_DENIED, &ids->owner, denied(u, g | o, directory));
	add(l, ACE_ACCESS_ALLOWED, &ids->owner,
	    rights_of(u, directory) | SMB2_FILE_READ_ATTRIBUTES | SMB2_FILE_WRITE_ATTRIBUTES | SMB2_READ_CONTROL |
		    SMB2_WRITE_DAC | SMB2_SYNCHRONIZE | (u & 2 ? SMB2_DELETE : 0));
	add(l, ACE_ACCESS_DENIED, &ids->group, denied(g, o, directory));
	add(l, ACE_ACCESS_ALLOWED, &ids->group, rights_of(g, directory));
	add(l, ACE_ACCESS_ALLOWED, &sid_everyone, rights_of(o, directory));
	return l;
}

enum who { WHO_OWNER, WHO_GROUP, WHO_EVERYONE, WHO_NOBODY_HERE, WHO_STRANGER };

static enum who who_is(const struct sid *s, const struct secmode_ids *ids)
{
	if (sid_equal(s, &ids->owner) || sid_equal(s, &sid_creator_owner) || sid_equal(s, &sid_owner_rights))
		return WHO_OWNER;
	if (sid_equal(s, &ids->group) || sid_equal(s, &sid_creator_group))
		return WHO_GROUP;
	if (sid_equal(s, &sid_everyone) || sid_equal(s, &sid_authenticated))
		return WHO_EVERYONE;
	if (sid_equal(s, &sid_system) || sid_equal(s, &sid_administrators))
		return WHO_NOBODY_HERE;
	return WHO_STRANGER;
}

static uint32_t bits_of(uint32_t mask)
{
	uint32_t bits = 0;

	if (mask & (SMB2_FILE_READ_DATA | SMB2_GENERIC_READ | SMB2_GENERIC_ALL))
		bits |= 4;
	if (mask & (SMB2_FILE_WRITE_DATA | SMB2_GENERIC_WRITE | SMB2_GENERIC_ALL))
		bits |= 2;
	if (mask & (SMB2_FILE_EXECUTE | SMB2_GENERIC_EXECUTE | SMB2_GENERIC_ALL))
		bits |= 1;
	return bits;
}

/* An entry decides the bits that no earlier entry has decided for the class. */
static void decide(uint32_t bits, bool allow, uint32_t *allowed, uint32_t *decided)
{
	uint32_t fresh = bits & ~*decided;

	if (allow)
		*allowed |= fresh;
	*decided |= fresh;
}

int secmode_from_dacl(const struct acl *dacl, const struct secmode_ids *ids, uint32_t *ret)
{
	uint32_t allowed[3] = { 0 }, decided[3] = { 0 };
	unsigned int i, c;

	for (i = 0; dacl && i < dacl->n_aces; i++) {
		const struct ace *e = &dacl->aces[i];
		enum who who = who_is(&e->sid, ids);

		if (e->flags & ACE_FLAG_INHERIT_ONLY || who == WHO_NOBODY_HERE)
			continue;
		if (who == WHO_STRANGER || (e->type != ACE_ACCESS_ALLOWED && e->type != ACE_ACCESS_DENIED))
			return -EOPNOTSUPP;
		for (c = 0; c < 3; c++) {
			if (c == (unsigned int)who || who == WHO_EVERYONE)
				decide(bits_of(e->mask), e->type == ACE_ACCESS_ALLOWED, &allowed[c], &decided[c]);
		}
	}
	*ret = dacl ? allowed[WHO_OWNER] << 6 | allowed[WHO_GROUP] << 3 | allowed[WHO_EVERYONE] : 0777;
	return 0;
}
