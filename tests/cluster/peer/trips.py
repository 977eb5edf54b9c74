#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what persistent opens and closes ask of the OSDs: one operation each, no read.

usage: trips.py --server ADDRESS --share SHARE --user NAME%PASSWORD [--count N] [--files N] SOCKET...
SOCKETs are the admin sockets of all OSDs. Prints one line; ends with 1 when there is more or less."""
import argparse
import os
import sys
import time

import osd
import smb2


def osd_operations(paths):
    """Operations of clients that the OSDs have done: (all, those that only read)."""
    total = reads = 0
    for path in paths:
        counters = osd.ask(path, "perf dump", logger="osd")["osd"]
        total += counters["op"]
        reads += counters["op_r"]
    return total, reads


def wait_for_quiet(paths, seconds=60):
    """After a start the slots are taken over in the background."""
    end = time.monotonic() + seconds
    before = None
    while before != osd_operations(paths):
        assert time.monotonic() < end, "the OSDs do not become quiet"
        before = osd_operations(paths)
        time.sleep(2)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--server", required=True)
    p.add_argument("--share", required=True)
    p.add_argument("--user", required=True)
    p.add_argument("--count", type=int, default=100)
    p.add_argument("--files", type=int, default=7, help="how many files the opens go round")
    p.add_argument("sockets", nargs="+")
    a = p.parse_args()
    name, _, password = a.user.partition("%")
    client = smb2.Client(a.server, a.share, name, password, timeout=30, guid=os.urandom(16))
    wait_for_quiet(a.sockets)
    opens, closes, took = [], [], []
    for i in range(-5, a.count):
        at = osd_operations(a.sockets)
        begin = time.monotonic()
        fid = client.open_persistent(f"trips-{i % a.files}", os.urandom(16))
        middle = time.monotonic()
        opened = osd_operations(a.sockets)
        again = time.monotonic()
        client.close(fid)
        end = time.monotonic()
        closed = osd_operations(a.sockets)
        if i >= 0:  # the first ones make files and load slots
            opens.append((opened[0] - at[0], opened[1] - at[1]))
            closes.append((closed[0] - opened[0], closed[1] - opened[1]))
            took.append((middle - begin, end - again))
    client.drop()
    ms = [sorted(t[k] * 1000 for t in took)[len(took) // 2] for k in (0, 1)]
    print(f"{a.count} persistent opens: {sum(n for n, _ in opens)} operations of OSDs, {sum(r for _, r in opens)} reads, "
          f"median {ms[0]:.1f} ms; closes: {sum(n for n, _ in closes)} operations, {sum(r for _, r in closes)} reads, "
          f"median {ms[1]:.1f} ms")
    return 0 if all(x == (1, 0) for x in opens + closes) else 1


sys.exit(main())
