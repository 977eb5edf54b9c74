/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Self-relative security descriptors, ACLs and ACEs (MS-DTYP 2.4.4 to 2.4.6). SIDs:
 * node/base/sid.h. Pure; any thread. Also for descriptors that were stored in an xattr: those bytes
 * are no more trusted than a client's.
 */
#ifndef HF_SMBD_WIRE_SECDESC_H
#define HF_SMBD_WIRE_SECDESC_H

#include "node/base/arena.h"
#include "node/wire/sid_wire.h"

/* control, 2.4.6 */
enum {
	SECDESC_OWNER_DEFAULTED = 0x0001,
	SECDESC_GROUP_DEFAULTED = 0x0002,
	SECDESC_DACL_PRESENT = 0x0004,
	SECDESC_DACL_DEFAULTED = 0x0008,
	SECDESC_SACL_PRESENT = 0x0010,
	SECDESC_SACL_DEFAULTED = 0x0020,
	SECDESC_DACL_TRUSTED = 0x0040,
	SECDESC_SERVER_SECURITY = 0x0080,
	SECDESC_DACL_AUTO_INHERIT_REQ = 0x0100,
	SECDESC_SACL_AUTO_INHERIT_REQ = 0x0200,
	SECDESC_DACL_AUTO_INHERITED = 0x0400,
	SECDESC_SACL_AUTO_INHERITED = 0x0800,
	SECDESC_DACL_PROTECTED = 0x1000,
	SECDESC_SACL_PROTECTED = 0x2000,
	SECDESC_RM_CONTROL_VALID = 0x4000,
	SECDESC_SELF_RELATIVE = 0x8000,
};

/* ACE types and flags, 2.4.4.1 */
enum {
	ACE_ACCESS_ALLOWED = 0x00,
	ACE_ACCESS_DENIED = 0x01,
	ACE_SYSTEM_AUDIT = 0x02,
	ACE_SYSTEM_ALARM = 0x03,
	ACE_ACCESS_ALLOWED_OBJECT = 0x05,
	ACE_ACCESS_DENIED_OBJECT = 0x06,
	ACE_SYSTEM_AUDIT_OBJECT = 0x07,
	ACE_ACCESS_ALLOWED_CALLBACK = 0x09,
	ACE_ACCESS_DENIED_CALLBACK = 0x0a,
	ACE_SYSTEM_AUDIT_CALLBACK = 0x0d,
	ACE_SYSTEM_MANDATORY_LABEL = 0x11,
	ACE_SYSTEM_RESOURCE_ATTRIBUTE = 0x12,
	ACE_SYSTEM_SCOPED_POLICY_ID = 0x13,

	ACE_FLAG_OBJECT_INHERIT = 0x01,
	ACE_FLAG_CONTAINER_INHERIT = 0x02,
	ACE_FLAG_NO_PROPAGATE_INHERIT = 0x04,
	ACE_FLAG_INHERIT_ONLY = 0x08,
	ACE_FLAG_INHERITED = 0x10,
	ACE_FLAG_SUCCESSFUL_ACCESS = 0x40,
	ACE_FLAG_FAILED_ACCESS = 0x80,
};

struct ace {
	uint8_t type;
	uint8_t flags;
	uint32_t mask;
	bool object; /* object ACE: the next three are on the wire */
	uint32_t object_flags; /* 1: object_type is there, 2: inherited_object_type is there */
	struct guid object_type, inherited_object_type;
	struct sid sid;
	struct blob extra; /* what follows the SID: a callback ACE's application data. Of an ACE
			    * type that is not known, everything after the ACE header; mask and sid
			    * are then zero. */
};

struct acl {
	uint8_t revision; /* 2, or 4 when there are object ACEs */
	uint16_t n_aces;
	struct ace *aces;
};

/* A part that is NULL is absent. A DACL that is absent although SECDESC_DACL_PRESENT is set is the
 * "NULL DACL", which grants everything. */
struct secdesc {
	uint16_t control; /* SECDESC_SELF_RELATIVE is set by the encoder */
	uint8_t rm_control;
	struct sid *owner, *group;
	struct acl *sacl, *dacl;
};

#define SECDESC_MAX_LEN 65536

/* Decodes a self-relative descriptor into the arena. -EBADMSG: longer than SECDESC_MAX_LEN, not
 * self-relative, revision not 1, an offset inside the fixed part or past the end, an ACL or ACE
 * whose size does not hold what it counts, a SID that is not one. -ENOMEM. Blobs point into `b`. */
int secdesc_decode(struct arena *a, struct blob b, struct secdesc *ret);
/* Appends a descriptor: owner, group, SACL, DACL, each aligned to 4. */
void secdesc_encode(struct wr *w, const struct secdesc *sd);
/* Length of what secdesc_encode() writes. */
size_t secdesc_encoded_len(const struct secdesc *sd);

#endif
