# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that open, lock, write, read, cache, rename and delete, on any node, and write down all that they saw."""
import contextlib
import json
import os
import random
import struct
import threading
import time

import cache
import history
import listings
import smb2

SHARED, CELLS, CELL = 8, 4, 8  # files that all fight for; cells of 8 bytes in each, which locks cover
CALM = 16  # more files, opened with leases alone, so that now and then one client has one for itself
HELD = 4  # opens of one client at a time
TIMEOUTS = (3000, 8000, 15000)  # ms, of persistent opens
PATIENCE = (1.0, 3.0, 10.0)  # seconds that a client waits for an answer before it tries another node
READ_ATTRIBUTES = 0x80
ACCESS = {"r": smb2.GENERIC_READ, "w": smb2.GENERIC_WRITE, "d": smb2.DELETE}
SHARES = {"r": 1, "w": 2, "d": 4}
# Rights and sharing of an open of a shared file, the more often named the more often taken.
MODES = [("rw", "rwd")] * 8 + [("r", "rwd"), ("r", "r"), ("rw", "r"), ("rw", "")]
# What is asked to be cached.
LEASES = [smb2.LEASE_R | smb2.LEASE_W | smb2.LEASE_H] * 5 + [smb2.LEASE_R | smb2.LEASE_W, smb2.LEASE_R | smb2.LEASE_H, smb2.LEASE_R]
SESSION_OVER = (smb2.USER_SESSION_DELETED, smb2.NETWORK_NAME_DELETED)


def bits(table, letters):
    return sum(table[c] for c in letters)


class Recorder:
    """The history: one line per operation, when it has ended."""

    def __init__(self, out):
        self.out, self.mutex, self.count = out, threading.Lock(), 0

    def put(self, entry):
        with self.mutex:
            self.out.write(json.dumps(entry) + "\n")
            self.count += 1

    def run(self, call, **entry):
        """Runs call() as one operation; returns its result, raises what it raises. A dict that it returns is written
        down too."""
        entry.update(begin=time.monotonic_ns(), result="unknown")
        try:
            value = call()
            entry["result"] = "ok"
            if isinstance(value, dict):
                entry.update(value)
            return value
        except smb2.Status as e:
            entry.update(result="fail", status=e.status)
            raise
        finally:
            entry["end"] = time.monotonic_ns()
            self.put(entry)


class Open:
    def __init__(self, name, file, access, share, persistent, timeout):
        self.name, self.file, self.access, self.share = name, file, access, share
        self.persistent, self.timeout = persistent, timeout
        self.guid, self.fid, self.conn = os.urandom(16), None, 0
        self.private, self.delete_on_close, self.directory = False, False, False
        self.locks = set()  # (offset, length) that are held or may be
        self.where, self.wish = file, None  # a private file's name, and the one that a rename did not answer for
        self.guess = False  # that `wish` is its name: the server takes an open with a lease back by its name
        self.cache = None  # of an open with a lease

    def contexts(self):
        found = [self.cache.context()] if self.cache else []
        if self.persistent:
            found.append((b"DH2Q", struct.pack("<II", self.timeout, 2) + bytes(8) + self.guid))
        return found


class Client(threading.Thread):
    """One client: one connection at a time, some opens."""

    def __init__(self, world, number):
        super().__init__(daemon=True, name=f"c{number}")
        self.world, self.rng = world, random.Random(f"{world.seed} client {number}")
        self.node = number % len(world.servers)
        self.patience = PATIENCE[number // len(world.servers) % len(PATIENCE)]
        self.guid, self.sessions = os.urandom(16), {}
        self.smb, self.conn, self.serial, self.value = None, 0, 0, 0
        self.opens, self.number = [], number
        self.fault = None
        self.heard, self.later, self.early = 0.0, [], []  # the last answer; acknowledgements that are due; breaks before their open

    # --- connections ---

    def connect(self):
        if self.smb:
            return
        w = self.world
        self.conn += 1
        self.smb = smb2.Client(w.servers[self.node], w.share, w.user, w.password, timeout=self.patience,
                               connect_timeout=1.0, guid=self.guid, previous=self.sessions.get(self.node, 0))
        self.sessions[self.node] = self.smb.session
        self.smb.on_break = self.on_break
        self.heard, self.later, self.early = time.monotonic(), [], []

    def drop(self):
        """The connection is over, and with it the ordinary opens."""
        if self.smb:
            self.smb.drop()
            self.smb = None
        for o in [o for o in self.opens if not o.persistent]:
            self.forget(o)
        for o in self.opens:
            if o.cache:
                o.cache.away()

    def trouble(self):
        self.drop()
        if self.rng.random() < 0.7:
            self.node = self.rng.randrange(len(self.world.servers))
        time.sleep(self.rng.uniform(0.02, 0.2))

    def forget(self, o):
        """An ordinary open that the client cannot use any more."""
        self.give_up(o)
        now = time.monotonic_ns()
        self.world.recorder.put(self.entry(o, "drop", begin=now, end=now, result="ok"))

    def give_up(self, o):
        if o.cache:
            o.cache.discard()
        self.opens.remove(o)

    @staticmethod
    def session_over(e):
        """A refusal that ends the connection is one for whoever waits for another answer, too."""
        if e.status in SESSION_OVER:
            raise smb2.Gone("the session is over") from e

    # --- leases ---

    def on_break(self, b):
        """Comes at any time, also while a request waits."""
        o = next((o for o in self.opens if o.cache and o.cache.key == b.key and o.conn == self.conn), None)
        if o and not o.cache.writing:
            o.cache.broken(b)
        else:
            self.early.append(b)  # its CREATE's answer is still being read; or it was closed

    def housekeeping(self):
        self.smb.listen()
        early, self.early = self.early, []
        for b in early:
            if any(o.cache and o.cache.key == b.key for o in self.opens):
                self.on_break(b)
        for due in [d for d in self.later if d[0] <= time.monotonic()]:
            self.later.remove(due)
            _, conn, held, state = due
            if conn == self.conn and held.open in self.opens:
                held.acknowledge(state)
        for o in self.opens:
            if o.cache and o.conn == self.conn and o.cache.dirty and (o.cache.old() or not o.cache.writable()):
                o.cache.write_out()

    # --- operations ---

    def entry(self, o, op, **more):
        return {"client": self.name, "node": self.node + 1, "conn": self.conn, "open": o.name, "file": o.file, "op": op,
                **more}

    def record(self, o, op, call, **more):
        value = self.world.recorder.run(call, **self.entry(o, op, **more))
        self.heard = time.monotonic()
        if o.cache and op != "close":
            o.cache.proved()
        return value

    def create(self, o, disposition, replay=False):
        def call():
            options = smb2.DELETE_ON_CLOSE if o.delete_on_close else smb2.DIRECTORY_FILE if o.directory else 0
            o.fid, got = self.smb.create(o.file, bits(ACCESS, o.access), bits(SHARES, o.share), disposition, o.contexts(),
                                         options, oplock=smb2.LEASE_LEVEL if o.cache else 0, flags=smb2.REPLAY if replay else 0)
            lease = o.cache.granted(*smb2.lease_granted(got)) if o.cache else {}
            if not o.persistent:
                return lease
            granted, flags = struct.unpack_from("<II", got.get(b"DH2Q", bytes(8)))
            if not flags & 2:
                raise smb2.Wrong("no persistent handle was granted")
            return {"timeout": granted * 10**6, **lease}
        more = {"access": o.access, "share": o.share, "persistent": o.persistent, "timeout": o.timeout * 10**6}
        if o.private:
            more.update(private=True, delete_on_close=o.delete_on_close)
        if o.directory:
            more["directory"] = True
        if replay:
            more["replay"] = True
        with self.change(o, came={o.file} if o.private else set()):
            self.record(o, "create", call, **more)
        o.conn = self.conn

    def reclaim(self, o):
        name = o.wish if o.guess and o.wish else o.where

        def call():
            if not o.cache:
                o.fid = self.smb.reclaim(name, o.fid, o.guid)
                return {}
            o.fid, state, breaking = self.smb.reclaim(name, o.fid, o.guid, lease=(o.cache.key, o.cache.want))
            return o.cache.granted(state, breaking)
        try:
            self.record(o, "reclaim", call)
            o.conn = self.conn
        except smb2.Status as e:
            if e.status == smb2.OBJECT_NAME_NOT_FOUND:
                self.give_up(o)  # it is lost; the checker knows whether it may be
            elif e.status == smb2.INVALID_PARAMETER and o.wish:
                o.guess = not o.guess
            else:
                self.session_over(e)
            # else it is tried again with the next connection
            return
        if o.cache and o.cache.dirty and not o.cache.state & smb2.LEASE_W:
            o.cache.write_out()

    def write(self, o):
        self.value += 1
        value = (self.number + 1) << 40 | self.value
        at = self.rng.randrange(CELLS) * CELL
        if o.cache and o.cache.writable() and self.rng.random() < 0.7:
            o.cache.write(at, value)
            return
        self.write_out(o)
        if o.cache:
            o.cache.known.pop(at, None)
        self.record(o, "write", lambda: self.smb.write(o.fid, at, struct.pack("<Q", value)), offset=at, value=value)

    @staticmethod
    def write_out(o):
        if o.cache and o.cache.dirty:
            o.cache.write_out()

    def read(self, o, at=None, **more):
        at = self.rng.randrange(CELLS) * CELL if at is None else at
        if o.cache and o.cache.read(at):
            return
        self.write_out(o)

        def call():
            data = self.smb.read(o.fid, at, CELL)
            return {"value": struct.unpack("<Q", data.ljust(CELL, b"\0"))[0]}
        got = self.record(o, "read", call, offset=at, **more)
        if o.cache and o.cache.writable():
            o.cache.known[at] = got["value"]

    def lock(self, o):
        first = self.rng.randrange(CELLS)
        span = (first * CELL, self.rng.randint(1, CELLS - first) * CELL)
        exclusive = "w" in o.access and self.rng.random() < 0.7
        if any(span[0] < at + n and at < span[0] + span[1] for at, n in o.locks):
            return
        o.locks.add(span)
        try:
            self.record(o, "lock", lambda: self.smb.lock(o.fid, *span, exclusive=exclusive), offset=span[0],
                        length=span[1], exclusive=exclusive)
        except smb2.Status:
            o.locks.discard(span)
            raise

    def unlock(self, o):
        span = self.rng.choice(sorted(o.locks))
        try:
            self.record(o, "unlock", lambda: self.smb.unlock(o.fid, *span), offset=span[0], length=span[1])
            o.locks.discard(span)
        except smb2.Status:
            o.locks.discard(span)
            raise

    def rename(self, o):
        """Again to the same name while it is not known whether the last one was done."""
        if not o.wish:
            self.serial += 1
            place = self.rng.choice(listings.PLACES) if self.rng.random() < 0.3 else history.directory_of(o.where)
            o.wish = listings.path(place, f"p-{self.name}-{self.serial}")
        known = o.where
        with self.change(o, came={o.wish}, went={known} - {o.wish}):
            self.record(o, "rename", lambda: self.smb.rename(o.fid, o.wish), **{"from": known, "to": o.wish})
        o.where, o.wish, o.guess = o.wish, None, False

    def close(self, o):
        self.write_out(o)
        with self.change(o, went={o.where} if o.private and o.delete_on_close else set()):
            self.record(o, "close", lambda: self.smb.close(o.fid))
        self.give_up(o)

    def lookup(self, name, **more):
        def call():
            fid, _ = self.smb.create(name, READ_ATTRIBUTES, smb2.SHARE_ALL, smb2.OPEN)
            self.smb.close(fid)
        try:
            self.world.recorder.run(call, client=self.name, node=self.node + 1, conn=self.conn, open=None, file=name,
                                    op="lookup", **more)
        except smb2.Status as e:
            if e.status in SESSION_OVER:
                raise

    # --- directories ---

    @contextlib.contextmanager
    def change(self, o, came=frozenset(), went=frozenset()):
        """What `o` does to names under the key of a directory's lease. Names elsewhere are not in that listing."""
        held = next((d.cache for d in self.opens if d.directory and o.cache and d.cache.key == o.cache.parent), None)
        if not held:
            yield
            return
        came, went = ({n for n in names if history.directory_of(n) == held.open.file} for names in (came, went))
        held.begin(came | went)
        yield
        held.done(came, went)

    def list(self, o):
        def call():
            return {"names": self.smb.list(o.fid)}
        got = self.record(o, "list", call)
        if o.cache:
            o.cache.take(got["names"])

    def use_directory(self, o):
        choice = self.rng.random()
        if choice < (0.02 if o.cache.state else 0.5):
            self.close(o)
        elif choice < 0.15 or not o.cache.listed():
            self.list(o)
        else:
            recent = [n for n in self.world.names[-100:] if history.directory_of(n) == o.file]
            for names in (recent, sorted(o.cache.names)):
                for name in self.rng.sample(names, min(len(names), listings.ANSWERS)):
                    o.cache.answer(name)

    def new_private(self, name, timeout):
        directory = self.rng.choice(listings.PLACES)
        o = Open(name, listings.path(directory, f"p-{self.name}-{self.serial}"), "rwd", "rwd", True, timeout or TIMEOUTS[0])
        o.private, o.delete_on_close = True, self.rng.random() < 0.7
        above = next((d for d in self.opens if d.directory and d.file == directory), None)
        if above and self.rng.random() < 0.5:
            o.cache = cache.Cache(self, o, 0, above.cache.key)
        return o

    def new_directory(self, name, persistent, timeout):
        """None: it has all of them open."""
        free = [d for d in listings.DIRECTORIES if all(o.file != d for o in self.opens)]
        if not free:
            return None
        o = Open(name, self.rng.choice(free), "r", "rwd", persistent, timeout)
        o.directory, o.cache = True, listings.Listing(self, o, self.rng.choice(listings.LEASES))
        return o

    # --- what it does all day ---

    def new_open(self):
        self.serial += 1
        persistent = self.rng.random() < self.world.persistent
        timeout = self.rng.choice(TIMEOUTS) if persistent else 0
        name = f"{self.name}.{self.serial}"
        if self.world.persistent and self.rng.random() < 0.2:
            return self.new_private(name, timeout), smb2.CREATE_NEW
        o = self.new_directory(name, persistent, timeout) if self.rng.random() < 0.2 else None
        if o:
            return o, smb2.OPEN_IF
        access, share = self.rng.choice(MODES)
        if self.rng.random() < 0.5:
            return Open(name, f"s{self.rng.randrange(SHARED)}", access, share, persistent, timeout), smb2.OPEN_IF
        file = self.rng.randrange(SHARED, SHARED + CALM) if self.rng.random() < 0.8 else self.rng.randrange(SHARED)
        o = Open(name, f"s{file}", access, share, persistent, timeout)
        o.cache = cache.Cache(self, o, self.rng.choice(LEASES))
        return o, smb2.OPEN_IF

    def open_one(self):
        o, disposition = self.new_open()
        try:
            self.create(o, disposition)
        except smb2.Gone:
            # Like a real client: the same request again, marked as a replay, on the next connection.
            if not o.persistent or self.rng.random() < 0.3:
                raise
            self.trouble()
            self.connect()
            self.create(o, disposition, replay=True)
        self.opens.append(o)
        if o.private:
            self.world.names.append(o.file)

    def use(self, o):
        if o.directory:
            self.use_directory(o)
            return
        choice = self.rng.random()
        if o.wish or (o.private and 0.15 < choice < 0.25):
            self.rename(o)
            self.world.names.append(o.where)
        elif choice < 0.15:
            self.close(o)
        elif choice < 0.5 and "w" in o.access:
            self.write(o)
        elif choice < 0.7:
            self.read(o)
        elif o.locks and choice < 0.85:
            self.unlock(o)
        elif not o.private:
            self.lock(o)

    def step(self):
        if self.world.names and self.rng.random() < 0.05:
            self.lookup(self.rng.choice(self.world.names[-40:]))
        elif not self.opens or (len(self.opens) < HELD and self.rng.random() < 0.3):
            self.open_one()
        else:
            o = self.rng.choice(self.opens)
            if o.conn == self.conn:
                self.use(o)
            else:
                self.reclaim(o)

    def attempt(self, deed):
        """False when the connection was lost over it."""
        try:
            self.connect()
            for o in [o for o in self.opens if o.conn != self.conn]:
                self.reclaim(o)
            self.housekeeping()
            deed()
            return True
        except smb2.Gone:
            self.trouble()
        except smb2.Status as e:
            if e.status in SESSION_OVER:
                self.trouble()
            elif e.status == smb2.FILE_CLOSED:
                self.drop()  # whatever it was: ordinary opens are over, persistent ones are claimed again
        return False

    def run(self):
        try:
            while not self.world.stopping.is_set():
                self.attempt(self.step)
                time.sleep(self.rng.expovariate(1 / self.world.pause))
            self.finish()
        except Exception as e:  # a bug here or a broken protocol there: the run fails
            self.fault = f"{self.name}: {type(e).__name__}: {e}"

    def finish(self):
        """Closes all, whatever it takes, and says so."""
        entry = {"client": self.name, "open": None, "op": "finish", "result": "ok", "begin": time.monotonic_ns()}
        while not self.world.over.is_set():
            if self.attempt(self.close_all) and not self.opens:
                break
            time.sleep(0.1)
        else:
            entry["result"] = "unknown"
        self.world.recorder.put({**entry, "end": time.monotonic_ns()})
        self.drop()
        for o in list(self.opens):
            self.give_up(o)

    def close_all(self):
        for o in list(self.opens):
            if o.wish:
                self.rename(o)
            if o.conn == self.conn:
                self.close(o)
