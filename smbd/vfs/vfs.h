/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of a share, by handle. Everything here runs in a task of a worker [task] and as the given user, except what
 * says otherwise. Paths are UTF-8, relative to the share's root, '/' between components, "" for the root; they are
 * resolved beneath the root: no "..", no absolute link, no magic link leads out (-EXDEV).
 *
 * Returned errors are those of the system call; -EILSEQ: a name that this file system cannot hold; -EIDRM: the open file
 * was removed by somebody else than this cluster, while nothing here kept it.
 *
 * Behind it are vfs_posix (a mounted file system; what it asks of that one is in doc/architecture.md, section 6) and
 * vfs_cephfs (libcephfs, no mount in the kernel); a share's path says which (node/conf/share_path.h).
 */
#ifndef HF_SMBD_VFS_VFS_H
#define HF_SMBD_VFS_VFS_H

#include <sys/uio.h>
#include <time.h>

#include "node/base/arena.h"
#include "node/base/guid.h"
#include "smbd/vfs/cred.h"

#define VFS_NAME_MAX 255  /* bytes of UTF-8 in a component */
#define VFS_PATH_MAX 4095 /* bytes */
#define VFS_HANDLE_MAX 128

struct vfs; /* one share's root, on one worker */

/* Names a file for ever, on every node. */
struct vfs_key {
	struct guid volume;
	uint64_t ino;
	uint64_t generation;
};

/* What a file is opened by when its name does not matter. */
struct vfs_handle {
	uint16_t len; /* 0: the file system gives none */
	uint8_t data[VFS_HANDLE_MAX];
};

enum vfs_type { VFS_FILE, VFS_DIR, VFS_SYMLINK, VFS_OTHER };

struct vfs_stat {
	enum vfs_type type;
	uint32_t mode; /* permission bits */
	uint32_t nlink;
	uint32_t uid, gid;
	uint64_t ino;
	uint64_t size;      /* bytes; 0 for directories */
	uint64_t allocated; /* bytes */
	struct timespec atime, mtime, ctime, btime;
	uint32_t dos_attrs; /* FILE_ATTRIBUTE_*: as stored, with DIRECTORY set or not by type; never NORMAL */
};

struct vfs_fsinfo {
	uint64_t block_size; /* bytes */
	uint64_t blocks, blocks_free, blocks_avail;
	uint64_t serial;     /* stable across nodes */
	bool read_only;
	bool handles;        /* files can be opened by handle: persistent handles are possible */
};

/* Opens the root of a share as the process (not the user). `path` is a share's path: see node/conf/share_path.h. -EINVAL: it
 * is none; -ENOENT, -ENOTDIR, ... */
int vfs_new(const char *path, struct vfs **ret);
struct vfs *vfs_ref(struct vfs *v);
void vfs_unref(struct vfs *v);
/* The process ends, all references are gone: waits for what is still on its way. Any thread, no task. */
void vfs_end(void);

/* How many descriptors the files of each thread may hold while nobody uses them; set before there is a second thread. */
void vfs_set_descriptors(unsigned int per_thread);
struct vfs_fds {
	unsigned int held, idle; /* descriptors of files and listings; those that nobody uses at this moment */
	uint64_t given_back, opened_again;
};
/* Of the calling thread, for tests and metrics. */
void vfs_descriptors(struct vfs_fds *ret);
/* Names the file system in file keys. */
const struct guid *vfs_volume(const struct vfs *v);
int vfs_fsinfo(struct vfs *v, struct vfs_fsinfo *ret);

/* --- names --- */

struct vfs_name {
	const char *path;   /* as it is on disk, in the arena; components that do not exist as the client wrote them */
	const char *parent; /* path without its last component; "" for those directly below the root */
	const char *name;   /* last component; "" for the root */
	bool exists;
	struct vfs_stat st; /* when it exists; symlinks are followed as far as they stay beneath the root */
	struct vfs_handle snapshot; /* by vfs_lookup_at(): what vfs_open_at() opens */
};

/* Resolves a client's path without regard to case (exact match first, then full Unicode simple case folding). A last
 * component that does not exist is not an error (`exists` false). -ENOENT: a component before the last one does not exist;
 * -ENOTDIR: ... is not a directory; -EACCES; -EXDEV: leads out; -ELOOP; -ENAMETOOLONG. */
int vfs_lookup(struct vfs *v, const struct cred *c, const char *path, struct arena *a, struct vfs_name *ret);

/* --- opening --- */

enum vfs_open_flags {
	VFS_READ = 1 << 0,
	VFS_WRITE = 1 << 1,
	VFS_CREATE = 1 << 2, /* make it; -EEXIST when it exists (always exclusive) */
	VFS_DIRECTORY = 1 << 3,
	VFS_SYNC = 1 << 4,   /* every write is on stable storage when it returns */
	VFS_PATH = 1 << 5,   /* neither read nor write: for attributes only; with WRITE or READ ignored */
};

/* An open file. Owned by one open; freed with vfs_close(). The file system keeps more behind it. */
struct vfs_file {
	struct vfs *vfs;      /* referenced */
	unsigned int flags;   /* enum vfs_open_flags it was opened with */
	struct vfs_key key;
	struct vfs_handle handle;
	enum vfs_type type;
	bool snapshot;        /* an object of a snapshot: with a key of its own, and nothing of it changes (-EROFS) */
};

/* As `mode` of vfs_open(): the permission bits of the directory it is made in, without "execute" for files, and never less than
 * reading and writing for its owner. That is the inheritance that clients expect. */
#define VFS_MODE_INHERIT UINT32_MAX

/* Opens `path` (from vfs_lookup) with the given flags; `mode` is for VFS_CREATE (with VFS_DIRECTORY: makes a
 * directory). */
int vfs_open(struct vfs *v, const struct cred *c, const char *path, unsigned int flags, uint32_t mode,
	     struct vfs_file **ret);
/* Opens by stored handle, as the process: for an open that was granted before. `path` is where it was last, a hint for
 * vfs_path_of(). -ESTALE: the file is gone. */
int vfs_open_handle(struct vfs *v, const struct vfs_handle *h, const char *path, unsigned int flags,
		    struct vfs_file **ret);
/* Opens the same file once more with other flags, as the user (checks permissions anew). */
int vfs_reopen(struct vfs_file *f, const struct cred *c, unsigned int flags, struct vfs_file **ret);
/* Closes without waiting for the disk. NULL is allowed. */
void vfs_close(struct vfs_file *f);

/* Which of VFS_READ, VFS_WRITE (and search on a directory, always with READ) the user has on the file. */
int vfs_access(struct vfs *v, const struct cred *c, const struct vfs_file *f, unsigned int *ret);
/* Whether the user may remove this name from its directory (write and search on it, sticky bit). 0, -EACCES. */
int vfs_may_delete(struct vfs *v, const struct cred *c, const char *path);

/* --- snapshots: what the file system keeps of earlier times --- */

/* Snapshots go by the second in which they were made (UTC, since 1970, before the year 10000), as clients do: of several
 * within one second only the newest can be reached. */

/* The times of the snapshots that have the directory `f`, or the one in which the file `f` is; newest first, in `a`. */
int vfs_snapshots(const struct vfs_file *f, struct arena *a, int64_t **ret, size_t *ret_n);
/* As vfs_lookup() in the snapshot made at `time`. Of snapshots taken of different directories of the path that one counts
 * which is the nearest to the root and has the name. No component that is missing is an error (`exists` false); -ENOENT:
 * there is no such snapshot. */
int vfs_lookup_at(struct vfs *v, const struct cred *c, const char *path, int64_t time, struct arena *a,
		  struct vfs_name *ret);
/* Opens what vfs_lookup_at() found. -ENOENT: the snapshot was removed; -EROFS with VFS_WRITE. */
int vfs_open_at(struct vfs *v, const struct cred *c, const struct vfs_name *n, unsigned int flags,
		struct vfs_file **ret);

/* --- data --- */

/* Bytes read (fewer only at the end of the file). */
int64_t vfs_read(struct vfs_file *f, void *buf, size_t n, uint64_t off);
/* All `n` bytes or a negative errno (-ENOSPC, -EDQUOT, -EFBIG...). `through`: on stable storage when it returns. */
int64_t vfs_write(struct vfs_file *f, const void *buf, size_t n, uint64_t off, bool through);
int vfs_flush(struct vfs_file *f);
int vfs_truncate(struct vfs_file *f, const struct cred *c, uint64_t size);
/* Reserves space up to `size` bytes without changing the end of file; file systems that cannot: 0. */
int vfs_allocate(struct vfs_file *f, uint64_t size);
/* Makes [off, off + n) read as zeroes, below the end of the file; `hole`: and gives the space back. -EOPNOTSUPP: write
 * zeroes instead. */
int vfs_zero(struct vfs_file *f, uint64_t off, uint64_t n, bool hole);
struct vfs_range {
	uint64_t from, to;
};
/* The next range with data at or after `off`. 1: there is one; 0: none. A file system that does not know: all of it. */
int vfs_next_data(struct vfs_file *f, uint64_t off, struct vfs_range *ret);

/* --- attributes --- */

int vfs_stat(const struct vfs_file *f, struct vfs_stat *ret);
/* Members that are set change; tv_nsec == UTIME_OMIT leaves a time alone. btime is kept in the attribute record. */
struct vfs_setattr {
	struct timespec atime, mtime, btime;
	bool set_attrs;
	uint32_t dos_attrs; /* but for SPARSE_FILE, which stays */
	bool set_sparse, sparse; /* FILE_ATTRIBUTE_SPARSE_FILE */
};
int vfs_setattr(struct vfs_file *f, const struct cred *c, const struct vfs_setattr *s);
/* Permission bits, as the user. */
int vfs_chmod(struct vfs_file *f, const struct cred *c, uint32_t mode);

/* --- names that change --- */

/* Removes `path` when it still names the file `key` (NULL: whatever it names). -ESTALE: it names another file. */
int vfs_remove(struct vfs *v, const struct cred *c, const char *path, bool directory, const struct vfs_key *key);
/* Renames; without `replace` -EEXIST when the new name exists. A change of case only is allowed. */
int vfs_rename(struct vfs *v, const struct cred *c, const char *from, const char *to, bool replace);
int vfs_link(struct vfs *v, const struct cred *c, struct vfs_file *f, const char *to);
/* Where the open file is now, in `a`; follows renames of its parents. -ENOENT: removed or outside of the share (vfs_cephfs:
 * or moved to another directory by others). */
int vfs_path_of(const struct vfs_file *f, struct arena *a, const char **ret);

/* --- directories --- */

struct vfs_dirent {
	const char *name; /* valid until the next vfs_dir_* call */
	uint64_t ino;
	uint8_t type;     /* DT_* of readdir(3) */
};
struct vfs_dir;
/* Lists the open directory `f` from its start, independent of other listings. "." and ".." come first. */
int vfs_dir_new(struct vfs_file *f, struct vfs_dir **ret);
void vfs_dir_free(struct vfs_dir *d);
/* 1: an entry; 0: the end. */
int vfs_dir_next(struct vfs_dir *d, struct vfs_dirent *ret);
/* Gives back the entry that vfs_dir_next() returned last: the next call returns it again. */
void vfs_dir_unget(struct vfs_dir *d);
void vfs_dir_rewind(struct vfs_dir *d);
/* Attributes of an entry of the directory; does not follow symlinks that lead out (their own attributes then). */
int vfs_dir_stat(struct vfs_file *dir, const struct cred *c, const char *name, struct vfs_stat *ret);

#endif
