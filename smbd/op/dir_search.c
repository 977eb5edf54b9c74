/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Listings: entries of the directory that match a pattern and that a client can name. A pattern
 * without wildcards is looked up, not searched for. Home worker's thread, in a request's task.
 */
#include "smbd/op/dir_search.h"

#include "smbd/op/create_name.h"

struct dir_search {
	struct pattern *pattern;
	struct vfs_dir *dir; /* NULL: `literal` */
	const char *literal; /* the pattern's only possible name */
	bool literal_done;
	unsigned int dots; /* how many of "." and ".." were shown: they come first, wherever the
			      disk has them */
	bool last_was_dots;
	bool found;
	char name[4 * VFS_NAME_MAX + 1];
};

int dir_search_new(struct file_open *fo, struct pattern *pattern, struct dir_search **ret)
{
	struct dir_search *s = calloc(1, sizeof(*s));
	const char *literal = pattern_literal(pattern);
	int r = s ? 0 : -ENOMEM;

	if (r == 0) {
		s->pattern = pattern;
		/* names are looked up by path, which means today's files */
		if (literal && create_name_presentable(literal) && !fo->file->snapshot)
			s->literal = literal;
		else
			r = vfs_dir_new(fo->file, &s->dir);
	}
	if (r < 0) {
		free(s);
		free(pattern);
		return r;
	}
	*ret = s;
	return 0;
}

void dir_search_free(struct dir_search *s)
{
	if (!s)
		return;
	vfs_dir_free(s->dir);
	free(s->pattern);
	free(s);
}

void dir_search_rewind(struct dir_search *s)
{
	s->literal_done = false;
	s->dots = 0;
	s->found = false;
	if (s->dir)
		vfs_dir_rewind(s->dir);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* What clients can open: links that lead nowhere or out of the share, devices and the like are not
 * shown. */
static bool is_shown(const struct vfs_stat *st)
{
	return st->type == VFS_FILE || st->type == VFS_DIR;
}

static int next_literal(struct dir_search *s, struct file_open *fo, struct dir_entry *ret)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct vfs_name n;
	const char *path;
	int r;

	arena_init(&a, 0);
	if (s->literal_done)
		return 0;
	s->literal_done = true;
	r = vfs_path_of(fo->file, &a, &path);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	path = *path ? arena_printf(&a, "%s/%s", path, s->literal) : s->literal;
	if (!path)
		return -ENOMEM;
	r = vfs_lookup(fo->file->vfs, file_cred(fo), path, &a, &n);
	if (r == -ENOMEM || r == -ECANCELED || r == -EIO)
		return r;
	if (r < 0 || !n.exists || !is_shown(&n.st) || strlen(n.name) >= sizeof(s->name))
		return 0;
	strcpy(s->name, n.name);
	ret->name = s->name;
	ret->st = n.st;
	return 1;
}

/* Both as the directory itself: its parent may be outside of the share. */
static int next_dots(struct dir_search *s, struct file_open *fo, struct dir_entry *ret)
{
	static const char *const names[] = { ".", ".." };

	while (s->dots < ARRAY_SIZE(names)) {
		ret->name = names[s->dots++];
		if (pattern_match(s->pattern, ret->name)) {
			int r = vfs_stat(fo->file, &ret->st);

			return r < 0 ? r : 1;
		}
	}
	return 0;
}

static int next_scanned(struct dir_search *s, struct file_open *fo, struct dir_entry *ret)
{
	struct vfs_dirent e;
	int r;

	while ((r = vfs_dir_next(s->dir, &e)) == 1) {
		if (is_dots(e.name) || !pattern_match(s->pattern, e.name) ||
		    !create_name_presentable(e.name))
			continue;
		r = vfs_dir_stat(fo->file, file_cred(fo), e.name, &ret->st);
		if (r == -ENOMEM || r == -ECANCELED)
			return r;
		if (r < 0 || !is_shown(&ret->st))
			continue; /* vanished since it was listed */
		ret->name = e.name;
		return 1;
	}
	return r;
}

int dir_search_next(struct dir_search *s, struct file_open *fo, struct dir_entry *ret)
{
	int r = s->dir ? next_dots(s, fo, ret) : next_literal(s, fo, ret);

	s->last_was_dots = s->dir && r == 1;
	if (s->dir && r == 0)
		r = next_scanned(s, fo, ret);
	if (r == 1)
		s->found = true;
	return r;
}

void dir_search_unget(struct dir_search *s)
{
	if (s->last_was_dots)
		s->dots--;
	else if (s->dir)
		vfs_dir_unget(s->dir);
	else
		s->literal_done = false;
}

bool dir_search_found(const struct dir_search *s)
{
	return s->found;
}
