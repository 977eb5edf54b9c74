#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Touches a CephFS behind the server's back, as client.admin and root.

usage: ceph-fs.py COMMAND...        ($CEPH_CONF names the configuration, $CEPH_FS the file system)
  mkdir MODE PATH | chmod MODE PATH | chown UID GID PATH | symlink TARGET PATH | mv FROM TO | exists PATH | owner PATH
  quota BYTES PATH | snap PATH NAME | put PATH TEXT
Ends with 1 when it fails, or when there is nothing at PATH (exists)."""
import os
import sys

import cephfs


def run(fs, cmd, args):
    if cmd == "mkdir":
        fs.mkdirs(args[1], 0o755)
        fs.chmod(args[1], int(args[0], 8))
    elif cmd == "chmod":
        fs.chmod(args[1], int(args[0], 8))
    elif cmd == "chown":
        fs.chown(args[2], int(args[0]), int(args[1]))
    elif cmd == "symlink":
        fs.symlink(args[0], args[1])
    elif cmd == "mv":
        fs.rename(args[0], args[1])
    elif cmd == "exists":
        fs.stat(args[0])
    elif cmd == "owner":
        print(fs.stat(args[0]).st_uid)
    elif cmd == "quota":
        fs.setxattr(args[1], "ceph.quota.max_bytes", args[0].encode(), 0)
    elif cmd == "snap":
        fs.mksnap(args[0], args[1], 0o755, {})
    elif cmd == "put":
        fd = fs.open(args[0], os.O_CREAT | os.O_WRONLY, 0o644)
        fs.write(fd, args[1].encode(), 0)
        fs.close(fd)
    else:
        raise SystemExit(__doc__)


def main(args):
    fs = cephfs.LibCephFS(conffile=os.environ["CEPH_CONF"], auth_id="admin")
    fs.mount(filesystem_name=os.environ["CEPH_FS"].encode())
    fs.umask(0)
    try:
        run(fs, args[0], args[1:])
    except cephfs.Error as e:
        if args[0] != "exists":
            print(f"{' '.join(args)}: {e}", file=sys.stderr)
        return 1
    finally:
        fs.shutdown()
    return 0


sys.exit(main(sys.argv[1:]))
