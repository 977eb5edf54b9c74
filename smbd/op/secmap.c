/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Security descriptors and permission bits. Pure; any thread. */
#include "smbd/op/secmap.h"

#include "smbd/wire/smb2.h"

/* S-1-1-0, and what other systems put beside the entries that count: S-1-5-18, S-1-5-32-544,
 * S-1-3-0, S-1-3-1 */
static const struct sid everyone = { 1, 1, { 0, 0, 0, 0, 0, 1 }, { 0 } };
static const struct sid ignored[] = {
	{ 1, 1, { 0, 0, 0, 0, 0, 5 }, { 18 } },
	{ 1, 2, { 0, 0, 0, 0, 0, 5 }, { 32, 544 } },
	{ 1, 1, { 0, 0, 0, 0, 0, 3 }, { 0 } },
	{ 1, 1, { 0, 0, 0, 0, 0, 3 }, { 1 } },
};

#define MODE_R 4u
#define MODE_W 2u
#define MODE_X 1u
#define OWNER_ALWAYS                                                                \
	(SMB2_READ_CONTROL | SMB2_WRITE_DAC | SMB2_WRITE_OWNER | SMB2_SYNCHRONIZE | \
	 SMB2_FILE_READ_ATTRIBUTES | SMB2_FILE_WRITE_ATTRIBUTES)

static struct sid unix_sid(uint32_t kind, uint32_t id)
{
	return (struct sid){ .revision = 1,
			     .sub_count = 2,
			     .authority = { 0, 0, 0, 0, 0, 22 },
			     .sub = { kind, id } };
}

void secmap_owner_sids(const struct cluster_config *c, struct secmap_owner *w)
{
	w->owner = unix_sid(1, w->uid);
	w->group = unix_sid(2, w->gid);
	for (size_t i = 0; c && i < c->n_users; i++) {
		if (c->users[i].uid == w->uid) {
			w->owner = c->users[i].sid;
			return;
		}
	}
}

static uint32_t rights(unsigned int bits, bool directory)
{
	uint32_t m = 0;

	if (bits == 7)
		return SMB2_FILE_ALL_ACCESS;
	if (bits & MODE_R)
		m |= SMB2_FILE_GENERIC_READ;
	if (bits & MODE_W)
		m |= SMB2_FILE_GENERIC_WRITE | (directory ? (uint32_t)SMB2_FILE_DELETE_CHILD : 0);
	if (bits & MODE_X)
		m |= SMB2_FILE_GENERIC_EXECUTE;
	return m;
}

/* Rights whose denial takes the permission away and nothing else with it. */
static uint32_t deniable(unsigned int bits)
{
	return (bits & MODE_R ? (uint32_t)SMB2_FILE_READ_DATA : 0) |
	       (bits & MODE_W ? (uint32_t)(SMB2_FILE_WRITE_DATA | SMB2_FILE_APPEND_DATA) : 0) |
	       (bits & MODE_X ? (uint32_t)SMB2_FILE_EXECUTE : 0);
}

static void add(struct acl *acl, uint8_t type, uint32_t mask, const struct sid *sid)
{
	acl->aces[acl->n_aces++] = (struct ace){ .type = type, .mask = mask, .sid = *sid };
}

static int make_dacl(struct arena *a, const struct secmap_owner *w, uint32_t mode, bool directory,
		     struct acl **ret)
{
	unsigned int u = mode >> 6 & 7, g = mode >> 3 & 7, o = mode & 7;
	struct acl *acl = arena_new(a, struct acl);

	if (!acl)
		return -ENOMEM;
	acl->revision = 2;
	acl->aces = arena_calloc(a, 5, sizeof(*acl->aces));
	if (!acl->aces)
		return -ENOMEM;
	if ((g | o) &
	    ~u) /* the classes exclude each other: who is the owner gets no more than the owner's */
		add(acl, ACE_ACCESS_DENIED, deniable((g | o) & ~u), &w->owner);
	add(acl, ACE_ACCESS_ALLOWED, rights(u, directory) | OWNER_ALWAYS, &w->owner);
	if (o & ~g)
		add(acl, ACE_ACCESS_DENIED, deniable(o & ~g), &w->group);
	add(acl, ACE_ACCESS_ALLOWED,
	    rights(g, directory) | SMB2_READ_CONTROL | SMB2_FILE_READ_ATTRIBUTES, &w->group);
	add(acl, ACE_ACCESS_ALLOWED,
	    rights(o, directory) | SMB2_READ_CONTROL | SMB2_FILE_READ_ATTRIBUTES, &everyone);
	*ret = acl;
	return 0;
}

int secmap_from_mode(struct arena *a, const struct secmap_owner *w, uint32_t mode, bool directory,
		     uint32_t parts, struct secdesc *ret)
{
	struct secdesc sd = { .control = SECDESC_SELF_RELATIVE };
	int r = 0;

	if (parts & SMB2_OWNER_SECURITY_INFORMATION)
		sd.owner = arena_memdup(a, &w->owner, sizeof(w->owner));
	if (parts & SMB2_GROUP_SECURITY_INFORMATION)
		sd.group = arena_memdup(a, &w->group, sizeof(w->group));
	if (parts & SMB2_DACL_SECURITY_INFORMATION) {
		sd.control |= SECDESC_DACL_PRESENT | SECDESC_DACL_PROTECTED;
		r = make_dacl(a, w, mode, directory, &sd.dacl);
	}
	if (r < 0 || ((parts & SMB2_OWNER_SECURITY_INFORMATION) && !sd.owner) ||
	    ((parts & SMB2_GROUP_SECURITY_INFORMATION) && !sd.group))
		return -ENOMEM;
	*ret = sd;
	return 0;
}

static bool is_ignored(const struct sid *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++) {
		if (sid_equal(s, &ignored[i]))
			return true;
	}
	return false;
}

#define R_RIGHTS SMB2_FILE_READ_DATA
#define W_RIGHTS                \
	(SMB2_FILE_WRITE_DATA | \
	 SMB2_FILE_APPEND_DATA) /* of directories: ADD_FILE, ADD_SUBDIRECTORY */
#define X_RIGHTS SMB2_FILE_EXECUTE

/* The rights of an entry that permission bits speak of. */
static uint32_t rights_of(uint32_t mask)
{
	uint32_t all = mask & SMB2_GENERIC_ALL ? R_RIGHTS | W_RIGHTS | X_RIGHTS : 0u;

	return all | (mask & (R_RIGHTS | W_RIGHTS | X_RIGHTS)) |
	       (mask & SMB2_GENERIC_READ ? (uint32_t)R_RIGHTS : 0) |
	       (mask & SMB2_GENERIC_WRITE ? (uint32_t)W_RIGHTS : 0) |
	       (mask & SMB2_GENERIC_EXECUTE ? (uint32_t)X_RIGHTS : 0);
}

/* One class of users while the entries are walked in order: the first that speaks of a right
 * decides. */
struct who {
	const struct sid *sid; /* NULL: everyone alone */
	uint32_t allowed, denied;
};

static void apply(struct who *w, const struct ace *e)
{
	uint32_t m = rights_of(e->mask);

	if (!sid_equal(&e->sid, &everyone) && !(w->sid && sid_equal(&e->sid, w->sid)))
		return;
	if (e->type == ACE_ACCESS_ALLOWED)
		w->allowed |= m & ~w->denied;
	else
		w->denied |= m & ~w->allowed;
}

/* False: one half of writing is allowed and the other one denied, as when directories may be made
 * but no files (MS-FSA 2.1.5.1.1). */
static bool bits_of(const struct who *w, unsigned int *ret)
{
	if ((w->allowed & W_RIGHTS) && (w->denied & W_RIGHTS))
		return false;
	*ret = (w->allowed & R_RIGHTS ? MODE_R : 0) | (w->allowed & W_RIGHTS ? MODE_W : 0) |
	       (w->allowed & X_RIGHTS ? MODE_X : 0);
	return true;
}

bool secmap_to_mode(const struct secdesc *sd, const struct secmap_owner *w, bool directory,
		    uint32_t *ret)
{
	struct who classes[3] = { { .sid = &w->owner }, { .sid = &w->group }, { .sid = NULL } };
	uint32_t mode = 0;
	unsigned int bits;

	if (!sd->dacl) {
		*ret = 0777;
		return true;
	}
	for (size_t i = 0; i < sd->dacl->n_aces; i++) {
		const struct ace *e = &sd->dacl->aces[i];

		if (e->flags & ACE_FLAG_INHERIT_ONLY)
			continue;
		if (e->type != ACE_ACCESS_ALLOWED && e->type != ACE_ACCESS_DENIED)
			return false;
		if (is_ignored(&e->sid))
			continue;
		if (!sid_equal(&e->sid, &everyone) && !sid_equal(&e->sid, &w->owner) &&
		    !sid_equal(&e->sid, &w->group))
			return false;
		for (size_t k = 0; k < ARRAY_SIZE(classes); k++)
			apply(&classes[k], e);
	}
	for (size_t k = 0; k < ARRAY_SIZE(classes); k++) {
		if (!bits_of(&classes[k], &bits))
			return false;
		mode = mode << 3 | bits;
	}
	*ret = mode;
	return true;
}
