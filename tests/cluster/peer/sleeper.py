#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client with one persistent open, a byte-range lock in it and some data, that is away while things happen to the
cluster. What it has to know in order to come back is in the file --state. In FILE nobody else may get in meanwhile.

  open SERVER      opens, writes, locks, and leaves without a word
  alone SERVER     as somebody else: the open is refused (MS-SMB2 3.3.5.9: FILE_NOT_AVAILABLE)
  reclaim SERVER   comes back (DH2C): the data is there, the lock holds against another client, and leaves again
  end SERVER       the same, and closes"""
import argparse
import json
import os
import sys
import time

import smb2

SPAN = (0, 8)  # of the lock
DATA_AT = 4096


class Sleeper:
    def __init__(self, args):
        self.args = args
        self.user, _, self.password = args.user.partition("%")

    def connect(self, guid=None):
        """A node that is about to serve does not listen yet, or lets its clients wait."""
        end = time.monotonic() + self.args.patience
        while True:
            try:
                return smb2.Client(self.args.server, self.args.share, self.user, self.password, timeout=20, guid=guid)
            except smb2.Gone:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def open(self):
        guid, create_guid, data = os.urandom(16), os.urandom(16), os.urandom(5000)
        client = self.connect(guid)
        fid = client.open_persistent(self.args.file, create_guid, self.args.timeout_ms)
        client.write(fid, DATA_AT, data)
        client.lock(fid, *SPAN)
        client.drop()
        with open(self.args.state, "w", encoding="ascii") as f:
            json.dump({"guid": guid.hex(), "create_guid": create_guid.hex(), "fid": fid.hex(), "data": data.hex()}, f)
        self.left()

    def left(self):
        """From now on its time runs, at the earliest."""
        os.utime(self.args.state)

    def in_time(self):
        """A machine too slow for the test is no fault of the server."""
        gone = time.time() - os.stat(self.args.state).st_mtime
        assert gone * 1000 < self.args.timeout_ms - 5000, f"too late to ask, {gone:.0f} s after the client left"

    def alone(self):
        self.in_time()
        other = self.connect()
        try:
            other.create(self.args.file, disposition=smb2.OPEN)
        except smb2.Status as e:
            assert e.status == smb2.FILE_NOT_AVAILABLE, f"refused with {e.status:#x}"
            return
        raise AssertionError("another client got in")

    def reclaim(self, close=False):
        self.in_time()
        with open(self.args.state, encoding="ascii") as f:
            state = {k: bytes.fromhex(v) for k, v in json.load(f).items()}
        client = self.connect(state["guid"])
        fid = client.reclaim(self.args.file, state["fid"], state["create_guid"], timeout=20)
        assert client.read(fid, DATA_AT, 6000) == state["data"], "the data is not what was written"
        other = self.connect()
        theirs, _ = other.create(self.args.file, disposition=smb2.OPEN)
        try:
            other.lock(theirs, 4, 8)
            raise AssertionError("another client got the lock")
        except smb2.Status as e:
            assert e.status == smb2.LOCK_NOT_GRANTED, f"refused with {e.status:#x}"
        other.close(theirs)
        other.drop()
        if close:
            client.close(fid)
        client.drop()
        self.left()

    def end(self):
        self.reclaim(close=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--share", required=True, help="a continuously available one")
    p.add_argument("--user", required=True, help="NAME%%PASSWORD")
    p.add_argument("--file", default="sleeper")
    p.add_argument("--state", required=True)
    p.add_argument("--timeout-ms", type=int, default=300000)
    p.add_argument("--patience", type=float, default=20.0, help="seconds to wait for the server")
    p.add_argument("what", choices=("open", "alone", "reclaim", "end"))
    p.add_argument("server")
    args = p.parse_args()
    try:
        getattr(Sleeper(args), args.what)()
    except (AssertionError, smb2.Status, smb2.Gone, smb2.Wrong) as e:
        print(f"sleeper: {args.what} {args.server}: {type(e).__name__}: {e}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
