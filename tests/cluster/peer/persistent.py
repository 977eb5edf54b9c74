#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a persistent open: who may reclaim it, where, until when, and what others meet
meanwhile. Runs on the lab's client; `--lab` names lab.sh, by which nodes are killed and started.
The rules: MS-SMB2 3.3.5.9.10 (DH2Q), 3.3.5.9.12 (DH2C)."""
import argparse
import os
import struct
import subprocess
import sys
import time

import smb2

args = None


def lab(*command):
    subprocess.run([args.lab, *map(str, command)], check=True)


def behind(command, *names):
    """Touches files behind the server's back: on the machine, or by the lab's ceph-fs.py."""
    paths = [os.path.join(args.directory.removeprefix("cephfs:"), n) for n in names]
    if args.directory.startswith("cephfs:"):
        tool = os.path.join(os.path.dirname(args.lab), "lab", "ceph-fs.py")
        return subprocess.run(["/usr/bin/python3", tool, command, *paths], check=command != "exists").returncode == 0
    return os.path.exists(paths[0]) if command == "exists" else os.rename(*paths)


def connect(node, user=None, share=None, guid=None):
    name, _, password = (user or args.user).partition("%")
    end = time.monotonic() + 20
    while True:
        try:
            return smb2.Client(f"10.77.0.{node}", share or args.share, name, password, timeout=20, guid=guid)
        except smb2.Gone:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def refused(status, call, *more, **named):
    """call() must be refused with exactly this status."""
    try:
        call(*more, **named)
    except smb2.Status as e:
        assert e.status == status, f"refused with {e.status:#x}, expected {status:#x}"
        return
    raise AssertionError(f"was allowed, expected {status:#x}")


class Open:
    """A persistent open with a lock on its first eight bytes and some data."""

    def __init__(self, node, name, timeout_ms=0, **more):
        self.name, self.create_guid, self.guid = name, os.urandom(16), os.urandom(16)
        self.client = connect(node, guid=self.guid)
        self.fid = self.client.open_persistent(name, self.create_guid, timeout_ms, **more)
        self.data = os.urandom(5000)
        self.client.write(self.fid, 0, self.data)
        self.client.lock(self.fid, 0, 8)

    def drop(self):
        self.client.drop()

    def reclaim(self, node, name=None):
        self.client = connect(node, guid=self.guid)
        self.fid = self.client.reclaim(name or self.name, self.fid, self.create_guid, timeout=20)

    def intact(self, contender_node, name=None):
        assert self.client.read(self.fid, 0, 6000) == self.data, "the data is not what was written"
        other = connect(contender_node)
        fid, _ = other.create(name or self.name, disposition=smb2.OPEN)
        refused(smb2.LOCK_NOT_GRANTED, other.lock, fid, 4, 8)
        refused(smb2.FILE_LOCK_CONFLICT, other.read, fid, 0, 100)
        other.lock(fid, 100, 8)
        other.close(fid)
        other.drop()

    def end(self):
        self.client.close(self.fid)
        self.client.drop()


def test_granted_on_ca_shares_only():
    o = Open(1, "granted")
    o.intact(2)
    o.end()
    other = connect(1, share=args.plain_share)
    data = struct.pack("<II", 0, 2) + bytes(8) + os.urandom(16)
    fid, contexts = other.create("plain", contexts=[(b"DH2Q", data)])
    assert struct.unpack_from("<II", contexts.get(b"DH2Q", bytes(8)))[1] & 2 == 0, "persistent on an ordinary share"
    other.close(fid)


def test_connection_lost():
    o = Open(1, "connection")
    for node in (2, 3, 1, 1):
        o.drop()
        time.sleep(0.3)
        refused(smb2.FILE_NOT_AVAILABLE, connect(3).create, "connection", disposition=smb2.OPEN)
        o.reclaim(node)
        o.intact(1 + node % 3)
    o.end()
    other = connect(2)
    fid, _ = other.create("connection", disposition=smb2.OPEN)
    other.lock(fid, 0, 8)
    other.close(fid)


def test_wrong_claims():
    o = Open(1, "claims")
    o.drop()
    time.sleep(0.3)
    c = connect(2, guid=o.guid)
    refused(smb2.OBJECT_NAME_NOT_FOUND, c.reclaim, "claims", o.fid, os.urandom(16))
    refused(smb2.OBJECT_NAME_NOT_FOUND, c.reclaim, "claims", bytes([o.fid[0] ^ 1]) + o.fid[1:], o.create_guid)
    refused(smb2.OBJECT_NAME_NOT_FOUND, c.reclaim, "claims", o.fid, o.create_guid, persistent=False)
    refused(smb2.ACCESS_DENIED, connect(2, args.user2, guid=o.guid).reclaim, "claims", o.fid, o.create_guid)
    both = [(b"DH2C", o.fid + o.create_guid + struct.pack("<I", 2)),
            (b"DH2Q", struct.pack("<II", 0, 2) + bytes(8) + os.urandom(16))]
    refused(smb2.INVALID_PARAMETER, c.create, "claims", contexts=both)
    o.reclaim(2)
    o.intact(3)
    # Connected, it is nobody else's; its own client may have come to another node before we knew.
    refused(smb2.OBJECT_NAME_NOT_FOUND, connect(3).reclaim, "claims", o.fid, o.create_guid)
    old = o.client
    o.reclaim(3)
    o.intact(1)
    refused(smb2.FILE_CLOSED, old.write, o.fid, 0, b"stale")
    old.drop()
    o.intact(1)
    o.end()


def test_renamed_meanwhile():
    o = Open(1, "before", access=smb2.GENERIC_READ | smb2.GENERIC_WRITE | smb2.DELETE)
    o.client.rename(o.fid, "after")
    o.drop()
    time.sleep(0.3)
    o.reclaim(3, "after")
    o.intact(1, "after")
    o.drop()
    # Behind the server's back: the record's file handle finds the file, no path does.
    behind("mv", "after", "elsewhere")
    o.reclaim(2, "after")
    assert o.client.read(o.fid, 0, 6000) == o.data
    o.end()


def test_file_server_killed():
    o = Open(1, "smbd")
    for _ in range(2):
        lab("kill-smbd", 1)
        o.drop()
        o.reclaim(1)
        o.intact(2)
    o.end()


def test_next_node_takes_over():
    o = Open(1, "next")
    for node, next_node in ((1, 2), (2, 3)):
        lab("kill-smbd", node)
        o.drop()
        begin = time.monotonic()
        o.reclaim(next_node)
        o.intact(next_node)
        o.data = os.urandom(5000)
        o.client.write(o.fid, 0, o.data)
        print(f"persistent: reclaimed and written on node {next_node} after {time.monotonic() - begin:.2f} s", flush=True)
        o.intact(1 + next_node % 3)
    o.end()


def test_replayed_create():
    guid, create_guid = os.urandom(16), os.urandom(16)
    c = connect(1, guid=guid)
    fid = c.open_persistent("replay", create_guid)
    refused(smb2.DUPLICATE_OBJECTID, c.open_persistent, "replay", create_guid)
    again = c.open_persistent("replay", create_guid, flags=smb2.REPLAY)
    assert again == fid, "a replayed CREATE gave another handle"
    c.write(fid, 0, b"used")
    refused(smb2.FILE_NOT_AVAILABLE, c.open_persistent, "replay", create_guid, flags=smb2.REPLAY)
    c.close(fid)
    c.drop()


def test_given_up_before_it_is_decided():
    """A request waits for its file's owner, which stands still, when its client goes: nothing is left of it."""
    names, left = [f"given-up-{i}" for i in range(24)], []
    other = connect(3)
    for name in names:
        fid, _ = other.create(name)
        other.close(fid)
    clients = [connect(2) for _ in names]
    lab("pause", 1)
    try:
        for name, c in zip(names, clients):
            try:
                c.close(c.open_persistent(name, os.urandom(16), 60000, disposition=smb2.OPEN, timeout=0.3))
            except smb2.Gone:
                left.append(name)
            c.drop()
            if len(left) == 3:
                break
    finally:
        lab("cont", 1)
    assert left, "the node that stood still owned none of the files"
    end = time.monotonic() + 20
    for name in left:
        while True:
            try:
                fid, _ = other.create(name, share=0, disposition=smb2.OPEN)
                break
            except smb2.Status as e:
                assert time.monotonic() < end, f"{name}: {e.status:#x}"
                time.sleep(0.1)
        other.close(fid)


def test_deadline():
    o = Open(1, "deadline", timeout_ms=2000)
    keep = Open(2, "patience", timeout_ms=60000)
    bye = Open(3, "goodbye", timeout_ms=2000, access=smb2.GENERIC_READ | smb2.GENERIC_WRITE | smb2.DELETE,
               options=smb2.DELETE_ON_CLOSE)
    for x in (o, keep, bye):
        x.drop()
    time.sleep(5)
    refused(smb2.OBJECT_NAME_NOT_FOUND, connect(2, guid=o.guid).reclaim, "deadline", o.fid, o.create_guid)
    c = connect(3)
    fid, _ = c.create("deadline", disposition=smb2.OPEN)
    c.lock(fid, 0, 8)
    c.close(fid)
    assert not behind("exists", "goodbye"), "delete-on-close was forgotten"
    keep.reclaim(1)
    keep.intact(2)
    keep.end()


def test_whole_cluster_restarts():
    o = Open(1, "restart", timeout_ms=120000)
    late = Open(2, "late", timeout_ms=1000)
    bye = Open(3, "farewell", timeout_ms=1000, access=smb2.GENERIC_READ | smb2.GENERIC_WRITE | smb2.DELETE,
               options=smb2.DELETE_ON_CLOSE)
    # These two are disconnected already: their time runs while no node does.
    late.drop()
    bye.drop()
    time.sleep(0.3)
    for node in (1, 2, 3):
        lab("kill", node)
    o.drop()
    time.sleep(1)
    for node in (1, 2, 3):
        lab("start", node)
    lab("wait-view", 3, 60)
    o.reclaim(2)
    o.intact(3)
    o.end()
    refused(smb2.OBJECT_NAME_NOT_FOUND, connect(2, guid=late.guid).reclaim, "late", late.fid, late.create_guid)
    time.sleep(3)
    assert not behind("exists", "farewell"), "delete-on-close was forgotten"


def main():
    global args
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--lab", required=True)
    p.add_argument("--share", required=True, help="a continuously available share")
    p.add_argument("--plain-share", required=True)
    p.add_argument("--directory", required=True, help="of the first share; cephfs:/DIR with CEPH_CONF and CEPH_FS set")
    p.add_argument("--user", required=True, help="NAME%%PASSWORD")
    p.add_argument("--user2", required=True)
    p.add_argument("test", nargs="*", help="words in the names of the tests to run; none: all")
    args = p.parse_args()
    failed = 0
    for name, test in list(globals().items()):
        if not name.startswith("test_") or (args.test and not any(word in name for word in args.test)):
            continue
        begin = time.monotonic()
        try:
            test()
            print(f"persistent: {name[5:]}: ok ({time.monotonic() - begin:.1f} s)", flush=True)
        except (AssertionError, smb2.Status, smb2.Gone, smb2.Wrong, OSError, subprocess.CalledProcessError) as e:
            failed += 1
            line = e.__traceback__
            while line.tb_next and not line.tb_frame.f_code.co_name.startswith("test_"):
                line = line.tb_next
            print(f"persistent: {name[5:]}: FAILED at line {line.tb_lineno}: {type(e).__name__}: {e}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
