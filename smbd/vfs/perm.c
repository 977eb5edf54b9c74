/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smbd/vfs/perm.h"

#define ACL_VERSION 2
enum { TAG_USER_OBJ = 1, TAG_USER = 2, TAG_GROUP_OBJ = 4, TAG_GROUP = 8, TAG_MASK = 0x10, TAG_OTHER = 0x20 };

bool perm_in_group(const struct cred *c, gid_t gid)
{
	size_t i;

	if (c->gid == gid)
		return true;
	for (i = 0; i < c->n_groups; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}

struct acl_view {
	unsigned int mask;
	bool named_user, in_group; /* an entry of the user's, of a group of the user's */
	unsigned int user_perm;
	bool group_allows;
	unsigned int other;
};

/* acl(5): the entry of the user's, else any of the groups', else that of others. */
static bool acl_read(const struct perm_of *of, const struct cred *c, unsigned int want, struct acl_view *v)
{
	struct rd r = rd_of(of->acl);

	*v = (struct acl_view){ .mask = 7 };
	if (rd_le32(&r) != ACL_VERSION)
		return false;
	while (rd_left(&r) > 0 && !r.err) {
		unsigned int tag = rd_le16(&r), perm = rd_le16(&r) & 7;
		uint32_t id = rd_le32(&r);

		if (tag == TAG_MASK) {
			v->mask = perm;
		} else if (tag == TAG_USER && id == c->uid) {
			v->named_user = true;
			v->user_perm = perm;
		} else if ((tag == TAG_GROUP_OBJ && perm_in_group(c, of->gid)) ||
			   (tag == TAG_GROUP && perm_in_group(c, id))) {
			v->in_group = true;
			v->group_allows = v->group_allows || (perm & want) == want;
		} else if (tag == TAG_OTHER) {
			v->other = perm;
		}
	}
	return !r.err;
}

bool perm_allows(const struct perm_of *of, const struct cred *c, unsigned int want)
{
	struct acl_view v;

	if (!c || c->uid == 0)
		return true;
	if (c->uid == of->uid)
		return ((of->mode >> 6) & want) == want;
	if (of->acl.len == 0)
		return ((perm_in_group(c, of->gid) ? of->mode >> 3 : of->mode) & want) == want;
	if (!acl_read(of, c, want, &v))
		return (of->mode & want) == want;
	if (v.named_user)
		return (v.user_perm & v.mask & want) == want;
	if (v.in_group)
		return v.group_allows && (v.mask & want) == want;
	return (v.other & want) == want;
}
