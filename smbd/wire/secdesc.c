/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Self-relative security descriptors (MS-DTYP 2.4.6), ACLs (2.4.5) and ACEs (2.4.4). */
#include "smbd/wire/secdesc.h"

#define SD_FIXED 20
#define ACL_FIXED 8
#define ACE_FIXED 4
#define OBJECT_TYPE_PRESENT 0x1
#define INHERITED_OBJECT_TYPE_PRESENT 0x2

static bool is_object(uint8_t type)
{
	return (type >= 0x05 && type <= 0x08) || type == 0x0b || type == 0x0c || type == 0x0f ||
	       type == 0x10;
}

/* Types that end in a mask and a SID: all up to the scoped policy, but the reserved compound one.
 */
static bool is_known(uint8_t type)
{
	return type <= ACE_SYSTEM_SCOPED_POLICY_ID && type != 0x04;
}

static void read_ace(struct rd *r, struct ace *ret)
{
	struct ace v = { 0 };
	uint16_t size;
	struct rd e;

	v.type = rd_u8(r);
	v.flags = rd_u8(r);
	size = rd_le16(r);
	if (size < ACE_FIXED || size % 4 != 0)
		rd_fail(r);
	e = rd_sub(r, (size_t)size - ACE_FIXED);
	if (is_known(v.type)) {
		v.mask = rd_le32(&e);
		v.object = is_object(v.type);
		if (v.object)
			v.object_flags = rd_le32(&e);
		if (v.object_flags & OBJECT_TYPE_PRESENT)
			v.object_type = rd_guid(&e);
		if (v.object_flags & INHERITED_OBJECT_TYPE_PRESENT)
			v.inherited_object_type = rd_guid(&e);
		v.sid = rd_sid(&e);
	}
	v.extra = rd_rest(&e);
	if (!rd_ok(&e))
		rd_fail(r);
	*ret = v;
}

static int read_acl(struct arena *a, struct rd *sd, uint32_t off, struct acl **ret)
{
	struct rd r = rd_init(sd->base + off, (size_t)(sd->end - sd->base) - off), body;
	struct acl *acl;
	uint8_t revision = rd_u8(&r);
	uint16_t size, count;

	rd_skip(&r, 1);
	size = rd_le16(&r);
	count = rd_le16(&r);
	rd_skip(&r, 2);
	if (size < ACL_FIXED || revision < 2 || revision > 4)
		return -EBADMSG;
	body = rd_sub(&r, (size_t)size - ACL_FIXED);
	if (!rd_ok(&body) || count > rd_left(&body) / ACE_FIXED)
		return -EBADMSG;
	acl = arena_new(a, struct acl);
	if (!acl)
		return -ENOMEM;
	acl->revision = revision;
	acl->n_aces = count;
	acl->aces = arena_calloc(a, count, sizeof(*acl->aces));
	if (!acl->aces)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		read_ace(&body, &acl->aces[i]);
	if (!rd_ok(&body))
		return -EBADMSG;
	*ret = acl;
	return 0;
}

static int read_sid(struct arena *a, struct rd *sd, uint32_t off, struct sid **ret)
{
	struct rd r = rd_init(sd->base + off, (size_t)(sd->end - sd->base) - off);
	struct sid s = rd_sid(&r);

	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = arena_memdup(a, &s, sizeof(s));
	return *ret ? 0 : -ENOMEM;
}

static bool offset_valid(struct rd *sd, uint32_t off)
{
	return off >= SD_FIXED && off <= (size_t)(sd->end - sd->base);
}

int secdesc_decode(struct arena *a, struct blob b, struct secdesc *ret)
{
	struct rd r = rd_of(b);
	struct secdesc sd = { 0 };
	uint32_t owner, group, sacl, dacl;
	uint8_t revision = rd_u8(&r);
	int e = 0;

	sd.rm_control = rd_u8(&r);
	sd.control = rd_le16(&r);
	owner = rd_le32(&r);
	group = rd_le32(&r);
	sacl = rd_le32(&r);
	dacl = rd_le32(&r);
	if (!rd_ok(&r) || b.len > SECDESC_MAX_LEN || revision != 1 ||
	    !(sd.control & SECDESC_SELF_RELATIVE))
		return -EBADMSG;
	/* An ACL that its control bit does not announce is not looked at. */
	if (!(sd.control & SECDESC_SACL_PRESENT))
		sacl = 0;
	if (!(sd.control & SECDESC_DACL_PRESENT))
		dacl = 0;
	if ((owner && !offset_valid(&r, owner)) || (group && !offset_valid(&r, group)) ||
	    (sacl && !offset_valid(&r, sacl)) || (dacl && !offset_valid(&r, dacl)))
		return -EBADMSG;
	if (owner)
		e = read_sid(a, &r, owner, &sd.owner);
	if (e == 0 && group)
		e = read_sid(a, &r, group, &sd.group);
	if (e == 0 && sacl)
		e = read_acl(a, &r, sacl, &sd.sacl);
	if (e == 0 && dacl)
		e = read_acl(a, &r, dacl, &sd.dacl);
	if (e < 0)
		return e;
	*ret = sd;
	return 0;
}

static size_t ace_len(const struct ace *v)
{
	size_t n = ACE_FIXED;

	if (is_known(v->type)) {
		n += 4 + sid_wire_size(&v->sid);
		if (v->object)
			n += 4;
		if (v->object && (v->object_flags & OBJECT_TYPE_PRESENT))
			n += 16;
		if (v->object && (v->object_flags & INHERITED_OBJECT_TYPE_PRESENT))
			n += 16;
	}
	n += v->extra.len;
	return n + (-n & 3);
}

static size_t acl_len(const struct acl *v)
{
	size_t n = ACL_FIXED;

	for (unsigned i = 0; i < v->n_aces; i++)
		n += ace_len(&v->aces[i]);
	return n;
}

static void write_ace(struct wr *w, const struct ace *v)
{
	size_t start = wr_mark(w), len = ace_len(v);

	if (len > UINT16_MAX) {
		wr_fail(w);
		return;
	}
	wr_u8(w, v->type);
	wr_u8(w, v->flags);
	wr_le16(w, (uint16_t)len);
	if (is_known(v->type)) {
		wr_le32(w, v->mask);
		if (v->object)
			wr_le32(w, v->object_flags);
		if (v->object && (v->object_flags & OBJECT_TYPE_PRESENT))
			wr_guid(w, &v->object_type);
		if (v->object && (v->object_flags & INHERITED_OBJECT_TYPE_PRESENT))
			wr_guid(w, &v->inherited_object_type);
		wr_sid(w, &v->sid);
	}
	wr_put(w, v->extra);
	wr_align_from(w, start, 4);
}

static void write_acl(struct wr *w, const struct acl *v)
{
	size_t len = acl_len(v);

	if (len > UINT16_MAX) {
		wr_fail(w);
		return;
	}
	wr_u8(w, v->revision);
	wr_u8(w, 0);
	wr_le16(w, (uint16_t)len);
	wr_le16(w, v->n_aces);
	wr_le16(w, 0);
	for (unsigned i = 0; i < v->n_aces; i++)
		write_ace(w, &v->aces[i]);
}

/* Every part has a length that is a multiple of 4, so the next one is aligned. */
void secdesc_encode(struct wr *w, const struct secdesc *sd)
{
	size_t off = SD_FIXED;

	wr_u8(w, 1);
	wr_u8(w, sd->rm_control);
	wr_le16(w, sd->control | SECDESC_SELF_RELATIVE | (sd->dacl ? SECDESC_DACL_PRESENT : 0) |
			   (sd->sacl ? SECDESC_SACL_PRESENT : 0));
	wr_le32(w, sd->owner ? (uint32_t)off : 0);
	off += sd->owner ? sid_wire_size(sd->owner) : 0;
	wr_le32(w, sd->group ? (uint32_t)off : 0);
	off += sd->group ? sid_wire_size(sd->group) : 0;
	wr_le32(w, sd->sacl ? (uint32_t)off : 0);
	off += sd->sacl ? acl_len(sd->sacl) : 0;
	wr_le32(w, sd->dacl ? (uint32_t)off : 0);
	if (sd->owner)
		wr_sid(w, sd->owner);
	if (sd->group)
		wr_sid(w, sd->group);
	if (sd->sacl)
		write_acl(w, sd->sacl);
	if (sd->dacl)
		write_acl(w, sd->dacl);
}

size_t secdesc_encoded_len(const struct secdesc *sd)
{
	size_t n = SD_FIXED;

	n += sd->owner ? sid_wire_size(sd->owner) : 0;
	n += sd->group ? sid_wire_size(sd->group) : 0;
	n += sd->sacl ? acl_len(sd->sacl) : 0;
	n += sd->dacl ? acl_len(sd->dacl) : 0;
	return n;
}
