#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks Ceph's OSDs by their admin sockets.

usage: osd.py EPOCH SOCKET...
Waits until each of these OSDs has the cluster's map of EPOCH: what that map says is in force at all of them."""
import json
import socket
import struct
import sys
import time


def ask(path, prefix, **arguments):
    """The answer to one command, as Python's values."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(json.dumps({"prefix": prefix, **arguments}).encode() + b"\0")
        with s.makefile("rb") as f:
            size = struct.unpack(">I", f.read(4))[0]
            return json.loads(f.read(size))


def main(epoch, *paths, seconds=60):
    end = time.monotonic() + seconds
    for path in paths:
        while ask(path, "status")["newest_map"] < int(epoch):
            if time.monotonic() >= end:
                print(f"{path}: no map {epoch} within {seconds} s", file=sys.stderr)
                return 1
            time.sleep(0.05)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
