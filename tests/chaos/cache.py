# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client keeps in its cache under the lease of an open, and how it gives way.

Cached reads and writes are operations of the history as others are, with the times at which they were done here: as long as
nobody else may write or read, that is when they happened. They are written down when the server has heard of them: when what was
cached is written out, or any answer shows that the open lives. What was cached and never came out may not have happened."""
import struct
import time

import smb2

CELL = 8
FRESH = 10.0  # seconds after the last answer during which a client takes its lease for valid
WRITE_OUT = 3.0  # seconds that a write stays in the cache, about
GIVE_WAY = (("at once", 86), ("late", 11), ("never", 3))  # how breaks are acknowledged, out of 100
LATE = (0.3, 3.0)  # seconds


class Cache:
    def __init__(self, client, open_, want, parent=None):
        self.client, self.open, self.want = client, open_, want
        self.parent = parent  # the key of a lease on the directory above, which is not broken by what is done with the open
        self.key = client.rng.randbytes(16)
        self.state = 0  # what may be cached
        self.dirty, self.known, self.local = {}, {}, []
        self.writing = False  # what comes meanwhile waits: nothing is on its way when a break is acknowledged

    def context(self):
        return smb2.lease_context(self.key, self.want, self.parent)

    def granted(self, state, breaking):
        """By CREATE, or again by a reclaim. While it is being broken nothing is cached: the server will say to what."""
        kept = 0 if breaking else state
        if not breaking and self.dirty and not kept & smb2.LEASE_W:
            self.discard()
        if not kept & smb2.LEASE_W:
            self.known.clear()
        self.state = kept
        return {"lease": state, "breaking": breaking}

    def valid(self, state):
        return self.state & state and time.monotonic() - self.client.heard < FRESH

    def writable(self):
        return self.valid(smb2.LEASE_W)

    def note(self, op, **more):
        now = time.monotonic_ns()
        self.local.append(self.client.entry(self.open, op, begin=now, end=now, result="ok", cached=True, **more))

    def write(self, at, value):
        self.dirty[at] = self.known[at] = value
        self.note("write", offset=at, value=value)

    def read(self, at):
        """False: it is not here."""
        if at not in self.known or not self.writable():
            return False
        self.note("read", offset=at, value=self.known[at])
        return True

    def old(self):
        return self.dirty and time.monotonic_ns() - self.local[0]["begin"] > WRITE_OUT * 1e9

    def write_out(self):
        """Every write is on the server afterwards, or given up."""
        self.writing = True
        try:
            for at in sorted(self.dirty):
                self.client.smb.write(self.open.fid, at, struct.pack("<Q", self.dirty[at]))
                self.client.heard = time.monotonic()
        except smb2.Status as e:
            self.discard()
            self.client.session_over(e)
            return
        finally:
            self.writing = False
        self.dirty.clear()
        self.proved()

    def proved(self):
        """The server has the open, and all that was written."""
        if self.dirty:
            return
        now = time.monotonic_ns()
        for e in self.local:
            if now - e["begin"] > FRESH * 1e9:  # the lease may have been gone when it was done, for all that is known
                if e["op"] != "write":
                    continue
                e["end"] = now
            self.client.world.recorder.put(e)
        self.local.clear()

    def away(self):
        """The connection is over; the open may come back."""

    def discard(self):
        """The open is lost, or its lease."""
        now = time.monotonic_ns()
        for e in self.local:
            if e["op"] == "write":
                self.client.world.recorder.put({**e, "end": now, "result": "unknown"})
        self.local.clear()
        self.dirty.clear()
        self.known.clear()

    def broken(self, b):
        """The server takes something back."""
        now = time.monotonic_ns()
        client = self.client
        client.world.recorder.put(client.entry(self.open, "break", begin=now, end=now, result="ok", to=b.new, ack=b.ack,
                                               **{"from": b.current}))
        self.state &= b.new
        if not self.state & smb2.LEASE_W:
            if self.dirty:
                self.write_out()
            self.known.clear()
        if not b.ack:
            return
        way = client.rng.choices([w for w, _ in GIVE_WAY], [n for _, n in GIVE_WAY])[0]
        if way == "at once":
            self.acknowledge(b.new)
        elif way == "late":
            client.later.append((time.monotonic() + client.rng.uniform(*LATE), client.conn, self, b.new))

    def acknowledge(self, state):
        try:
            self.client.record(self.open, "ack", lambda: self.client.smb.acknowledge(self.key, state), state=state)
        except smb2.Status as e:
            self.client.session_over(e)
