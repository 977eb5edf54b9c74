/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names as clients write them. Pure; any thread. */
#include "smbd/op/create_name.h"

#include "node/base/utf.h"

#define COMPONENT_MAX 255 /* UTF-16 code units */

/* MS-FSCC 2.1.5.2: what a component cannot have; '/' is there as it separates on disk. */
static bool reserved(unsigned char c)
{
	return c < 0x20 || strchr("\"*/:<>?|", c) != NULL;
}

static struct ntstatus component_check(const char *s, size_t n)
{
	if (n == 0)
		return NT_STATUS_OBJECT_NAME_INVALID;
	if ((n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
		return NT_STATUS_OBJECT_PATH_SYNTAX_BAD;
	for (size_t i = 0; i < n; i++) {
		if (reserved((unsigned char)s[i]))
			return NT_STATUS_OBJECT_NAME_INVALID;
	}
	return utf16_units(s, n) > COMPONENT_MAX ? NT_STATUS_OBJECT_NAME_INVALID : NT_STATUS_OK;
}

/* What stands behind the first ':' of the last component: "name", "name:$DATA" or ":$DATA". */
static struct ntstatus stream_parse(const char *s, struct create_name *ret)
{
	const char *type = strchr(s, ':');
	size_t n = type ? (size_t)(type - s) : strlen(s);

	if (type && utf8_casecmp(type + 1, "$DATA") != 0)
		return NT_STATUS_OBJECT_NAME_INVALID;
	if (n == 0 && !type)
		return NT_STATUS_OBJECT_NAME_INVALID;
	for (size_t i = 0; i < n; i++) { /* 2.1.5.3: fewer characters are forbidden than in names */
		if (s[i] == '/' || s[i] == '\\')
			return NT_STATUS_OBJECT_NAME_INVALID;
	}
	if (n > 0 && utf16_units(s, n) > COMPONENT_MAX)
		return NT_STATUS_OBJECT_NAME_INVALID;
	ret->stream = n > 0;
	ret->data_stream = n == 0;
	return NT_STATUS_OK;
}

static struct ntstatus split_stream(char *path, struct create_name *ret)
{
	char *last = strrchr(path, '\\');
	char *colon = strchr(last ? last : path, ':');
	struct ntstatus s;

	if (!colon)
		return NT_STATUS_OK;
	s = stream_parse(colon + 1, ret);
	*colon = '\0';
	return s;
}

static struct ntstatus split_path(char *path)
{
	struct ntstatus s = NT_STATUS_OK;
	char *p = path, *end;

	while (ntstatus_is_ok(s)) {
		end = strchrnul(p, '\\');
		s = component_check(p, (size_t)(end - p));
		if (!*end)
			break;
		*end = '/';
		p = end + 1;
	}
	return s;
}

struct ntstatus create_name_parse(struct arena *a, struct blob utf16, struct create_name *ret)
{
	struct create_name n = { 0 };
	struct ntstatus s;
	int r;

	r = utf8_from_utf16(a, utf16, &n.path);
	if (r < 0)
		return r == -EILSEQ ? NT_STATUS_OBJECT_NAME_INVALID :
				      NT_STATUS_INSUFFICIENT_RESOURCES;
	if (n.path[0] == '\\')
		return NT_STATUS_INVALID_PARAMETER;
	s = split_stream(n.path, &n);
	if (ntstatus_is_ok(s) && n.path[0])
		s = split_path(n.path);
	if (ntstatus_is_ok(s))
		*ret = n;
	return s;
}

bool create_name_presentable(const char *name)
{
	size_t n = strlen(name);

	return utf8_valid(name, n) && !strchr(name, '\\') &&
	       ntstatus_is_ok(component_check(name, n));
}

bool create_name_is_short(const char *name)
{
	const char *dot = strchr(name, '.');
	size_t base = dot ? (size_t)(dot - name) : strlen(name);

	if (base == 0 || base > 8 ||
	    (dot && (strlen(dot + 1) > 3 || !dot[1] || strchr(dot + 1, '.'))))
		return false;
	for (const char *p = name; *p; p++) {
		if ((unsigned char)*p >= 0x80 || (*p != '.' && reserved((unsigned char)*p)) ||
		    strchr(" +,;=[]\\", *p))
			return false;
	}
	return true;
}
