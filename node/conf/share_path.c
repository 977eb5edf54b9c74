/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/conf/share_path.h"

#include "node/conf/conf_priv.h"

#define NAME_MAX_BYTES 64

static bool has_dotdot(const char *path)
{
	size_t n = strlen(path);

	return strstr(path, "/../") || (n > 2 && strcmp(path + n - 3, "/..") == 0);
}

/* Names of file systems and users: what Ceph allows without quoting. */
static bool is_name(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= NAME_MAX_BYTES &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == n;
}

static int option(struct share_path *p, char *item, struct conf_error *err)
{
	static const char *const names[] = { "conf", "id", "keyring" };
	const char **fields[] = { &p->conf, &p->id, &p->keyring };
	char *value = strchr(item, '=');
	size_t i;

	if (value)
		*value++ = '\0';
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(item, names[i]) == 0)
			break;
	if (i == ARRAY_SIZE(names))
		return conf_fail(err, NULL, "path", "\"%.64s\" is no option of cephfs: conf, id or keyring", item);
	if (*fields[i])
		return conf_fail(err, NULL, "path", "%s is given twice", item);
	if (i == 1 ? !value || !is_name(value) : !value || value[0] != '/')
		return conf_fail(err, NULL, "path", "%s needs %s", item,
				 i == 1 ? "the name of a Ceph user, without \"client.\"" : "an absolute path");
	*fields[i] = value;
	return 0;
}

static int parse_cephfs(struct share_path *p, struct conf_error *err)
{
	char *fs = p->buf + strlen(SHARE_PATH_CEPHFS), *slash = strchr(fs, '/'), *query, *item;
	int r = 0;

	query = strchr(fs, '?');
	if (!slash || (query && query < slash))
		return conf_fail(err, NULL, "path",
				 "\"%.100s\" names no directory: cephfs:[FS]/DIR[?conf=FILE][&id=NAME][&keyring=FILE]",
				 p->buf);
	/* the name goes one byte to the left, so that the path keeps its slash */
	memmove(fs - 1, fs, (size_t)(slash - fs));
	slash[-1] = '\0';
	p->fs = fs - 1;
	p->path = slash;
	if (query)
		*query++ = '\0';
	if (*p->fs && !is_name(p->fs))
		return conf_fail(err, NULL, "path", "\"%.64s\" is not the name of a CephFS", p->fs);
	if (!*p->fs)
		p->fs = NULL;
	while (r == 0 && (item = strsep(&query, "&")))
		r = option(p, item, err);
	return r;
}

int share_path_parse(const char *text, struct share_path *ret, struct conf_error *err)
{
	struct share_path p = { .buf = strdup(text ?: "") };
	int r = 0;

	if (!p.buf)
		return -ENOMEM;
	p.size = strlen(p.buf) + 1;
	p.path = p.buf;
	p.cephfs = strncmp(p.buf, SHARE_PATH_CEPHFS, strlen(SHARE_PATH_CEPHFS)) == 0;
	if (p.cephfs)
		r = parse_cephfs(&p, err);
	else if (p.path[0] != '/' || p.path[strspn(p.path, "/")] == '\0')
		r = conf_fail(err, NULL, "path",
			      "\"%.100s\" is neither an absolute path below / nor cephfs:[FS]/DIR", text ?: "");
	if (r == 0 && has_dotdot(p.path))
		r = conf_fail(err, NULL, "path", "\"%.100s\" holds \"..\"", text ?: "");
	if (r < 0) {
		share_path_done(&p);
		return r;
	}
	*ret = p;
	return 0;
}

static const char *moved(const struct share_path *from, const char *field, const char *buf)
{
	return field ? buf + (field - from->buf) : NULL;
}

int share_path_copy(const struct share_path *from, struct share_path *ret)
{
	char *buf = malloc(from->size);

	if (!buf)
		return -ENOMEM;
	memcpy(buf, from->buf, from->size);
	*ret = (struct share_path){
		.cephfs = from->cephfs,
		.path = moved(from, from->path, buf),
		.fs = moved(from, from->fs, buf),
		.conf = moved(from, from->conf, buf),
		.id = moved(from, from->id, buf),
		.keyring = moved(from, from->keyring, buf),
		.buf = buf,
		.size = from->size,
	};
	return 0;
}

void share_path_done(struct share_path *p)
{
	free(p->buf);
	*p = (struct share_path){ 0 };
}
