#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that use a cluster while something happens to it, and a record of all they saw.

Writers keep a persistent open with a byte-range lock and write growing numbers; when their
connection breaks or no answer comes, they reclaim the open on the next server. Readers read those
numbers through other nodes and, patiently, through the node that suffers. Contenders try to take the
writers' locks; fighters take and give one lock among themselves. After a warm-up the event is run;
the clients go on until all writers are served again, and --settle seconds longer.

Prints one JSON object: outage_ms of the writers at the first server, of the others, how many opens
were lost, how many operations were done. The history goes to --history, for check-history.py."""
import argparse
import json
import os
import random
import struct
import subprocess
import sys
import threading
import time

import smb2

CELL = 4096  # where writers write, outside the lock


class Recorder:
    def __init__(self):
        self.ops = []

    def run(self, client, opened, name, op, call, **fields):
        """Runs call() as one operation of the history; returns its result, raises what it raises."""
        entry = {"client": client, "open": opened, "file": name, "op": op, **fields}
        entry["begin"] = time.monotonic_ns()
        entry["result"] = "unknown"
        try:
            value = call()
            entry["result"] = "ok"
            if op == "read":
                entry["value"] = value
            return value
        except smb2.Status as e:
            entry["result"] = "fail"
            entry["status"] = hex(e.status)
            raise
        finally:
            entry["end"] = time.monotonic_ns()
            if op == "read":
                entry.setdefault("value", -1)
            self.ops.append(entry)


class Actor(threading.Thread):
    """A client with one connection at a time, beginning with its home server."""

    def __init__(self, world, name, home):
        super().__init__(daemon=True, name=name)
        self.world, self.home, self.server = world, home, home
        self.client, self.serial = None, 0
        self.guid = os.urandom(16)
        self.fault = None

    def run(self):
        try:
            while not self.world.stopping:
                try:
                    self.work()
                except (smb2.Gone, smb2.Status) as e:
                    self.broken(e)
        except Exception as e:  # a bug here or a broken protocol there: the run fails
            self.fault = f"{self.name}: {type(e).__name__}: {e}"
            self.world.stopping = True

    def broken(self, _error):
        self.drop()
        self.next_server()
        time.sleep(0.01)

    def next_server(self):
        if self.world.args.reconnect == "next":
            self.server = (self.server + 1) % len(self.world.servers)

    def drop(self):
        if self.client:
            self.client.drop()
            self.client = None

    def connect(self):
        a = self.world.args
        if not self.client:
            self.client = smb2.Client(self.world.servers[self.server], a.share, self.world.user, self.world.password,
                                      timeout=a.op_timeout, connect_timeout=a.connect_timeout, guid=self.guid)
        return self.client

    def new_open(self):
        self.serial += 1
        return f"{self.name}.{self.serial}"

    def record(self, opened, name, op, call, **fields):
        return self.world.recorder.run(self.name, opened, name, op, call, **fields)

    def read_cell(self, fid, opened, name):
        def call():
            data = self.client.read(fid, CELL, 8)
            return struct.unpack("<Q", data)[0] if len(data) == 8 else 0
        return self.record(opened, name, "read", call, offset=CELL)


class Writer(Actor):
    def __init__(self, world, number, home):
        super().__init__(world, f"writer{number}", home)
        self.file = f"{world.args.prefix}w{number}"
        self.create_guid, self.fid, self.opened = os.urandom(16), None, None
        self.value, self.lost, self.reclaims = 0, 0, 0
        self.acks = []  # when writes were acknowledged
        self.errors = []

    def ensure_open(self):
        client = self.connect()
        patience = self.world.args.reclaim_timeout
        if self.fid is None:
            self.create_guid = os.urandom(16)
            if self.world.args.plain:
                fid, _ = client.create(self.file, timeout=patience)
            else:
                fid = client.open_persistent(self.file, self.create_guid, timeout=patience)
            self.fid, self.opened = fid, self.new_open()
            self.record(self.opened, self.file, "lock", lambda: client.lock(fid, 0, 8, timeout=patience),
                        offset=0, length=8, exclusive=True)
            return
        try:
            self.fid = client.reclaim(self.file, self.fid, self.create_guid, timeout=patience)
            self.reclaims += 1
        except smb2.Status as e:
            if e.status == smb2.OBJECT_NAME_NOT_FOUND:
                now = time.monotonic_ns()
                self.world.recorder.ops.append({"client": self.name, "open": self.opened, "file": self.file,
                                                "op": "lost", "begin": now, "end": now, "result": "ok"})
                self.lost += 1
                self.fid = None
            raise

    def work(self):
        self.ensure_open()
        while not self.world.stopping:
            self.value += 1
            data = struct.pack("<Q", self.value)
            self.record(self.opened, self.file, "write", lambda: self.client.write(self.fid, CELL, data),
                        offset=CELL, value=self.value)
            self.acks.append(time.monotonic())
            if self.value % 4 == 0:
                self.read_cell(self.fid, self.opened, self.file)
            time.sleep(self.world.args.pause)
        self.record(self.opened, self.file, "close", lambda: self.client.close(self.fid))
        self.drop()

    def broken(self, error):
        if self.world.args.verbose and len(self.errors) < 40:
            self.errors.append(f"{time.time():.3f} {self.name} at server {self.server + 1}: {error}")
        super().broken(error)


class Reader(Actor):
    """Reads a writer's cell. A patient one stays with its server and waits long for its answers."""

    def __init__(self, world, number, home, patient):
        super().__init__(world, f"reader{number}", home)
        self.patient = patient

    def work(self):
        writer = random.choice(self.world.writers)
        client = self.connect()
        if self.patient:
            client.timeout = 60
        fid, _ = client.create(writer.file, access=smb2.GENERIC_READ, disposition=smb2.OPEN)
        opened = self.new_open()
        for _ in range(50):
            if self.world.stopping:
                break
            self.read_cell(fid, opened, writer.file)
            time.sleep(random.random() * (0.6 if self.patient else 0.05))
        client.close(fid)

    def broken(self, error):
        self.drop()
        if not self.patient:
            self.next_server()
        time.sleep(0.05)


class Contender(Actor):
    """Tries to take a lock that a writer holds, or, for a fighter, one that others want too."""

    def __init__(self, world, number, home, fight):
        super().__init__(world, f"{'fighter' if fight else 'contender'}{number}", home)
        self.fight = fight

    def work(self):
        name = self.world.args.prefix + "fight" if self.fight else random.choice(self.world.writers).file
        client = self.connect()
        fid, _ = client.create(name, disposition=smb2.OPEN_IF if self.fight else smb2.OPEN)
        opened = self.new_open()
        span = {"offset": 0, "length": 8, "exclusive": True}
        try:
            for _ in range(20):
                if self.world.stopping:
                    break
                try:
                    self.record(opened, name, "lock", lambda: client.lock(fid, 0, 8), **span)
                    time.sleep(0.002)
                    self.record(opened, name, "unlock", lambda: client.unlock(fid, 0, 8), **span)
                except smb2.Status as e:
                    if e.status != smb2.LOCK_NOT_GRANTED:
                        raise
                time.sleep(random.random() * 0.02)
            self.record(opened, name, "close", lambda: client.close(fid))
        except (smb2.Gone, smb2.Status):
            now = time.monotonic_ns()
            self.world.recorder.ops.append({"client": self.name, "open": opened, "file": name, "op": "lost",
                                            "begin": now, "end": now, "result": "ok"})
            raise


class World:
    def __init__(self, args):
        self.args, self.stopping = args, False
        self.servers = args.servers.split(",")
        self.user, _, self.password = args.user.partition("%")
        self.recorder = Recorder()
        others = list(range(1, len(self.servers))) or [0]
        self.writers = [Writer(self, i, 0 if i % 2 == 0 else random.choice(others)) for i in range(args.writers)]
        self.actors = list(self.writers)
        self.actors += [Reader(self, i, random.choice(others), False) for i in range(args.readers)]
        self.actors += [Reader(self, args.readers + i, 0, True) for i in range(args.patient_readers)]
        self.actors += [Contender(self, i, random.choice(others), False) for i in range(args.contenders)]
        self.actors += [Contender(self, i, i % len(self.servers), True) for i in range(args.fighters)]

    def wait_writers(self, count, limit, since=0.0):
        """Until every writer has `count` acknowledged writes after `since`."""
        end = time.monotonic() + limit
        while time.monotonic() < end and not self.stopping:
            if all(len(w.acks) >= count and w.acks[-count] > since for w in self.writers):
                return
            time.sleep(0.02)
        if not self.stopping:
            late = [w.name for w in self.writers if not (len(w.acks) >= count and w.acks[-count] > since)]
            raise SystemExit(f"workload: not served within {limit} s: {', '.join(late)}")

    def outage(self, writers, event):
        """The longest time between two acknowledged writes of one of them from just before the event on."""
        worst = 0.0
        for w in writers:
            acks = [t for t in w.acks if t < event][-1:] + [t for t in w.acks if t >= event]
            worst = max([worst] + [b - a for a, b in zip(acks, acks[1:])])
        return round(worst * 1000)

    def final_reads(self):
        """What every server says at the end, when all have come to rest."""
        for i, _ in enumerate(self.servers):
            if str(i + 1) in self.args.without.split(","):
                continue
            actor = Actor(self, f"final{i}", i)
            actor.connect()
            for w in self.writers:
                fid, _ = actor.client.create(w.file, access=smb2.GENERIC_READ, disposition=smb2.OPEN, timeout=10)
                actor.read_cell(fid, actor.new_open(), w.file)
                actor.client.close(fid)
            actor.drop()

    def run(self):
        a = self.args
        for actor in self.actors:
            actor.start()
        self.wait_writers(20, a.limit)
        time.sleep(0.3)
        event = time.monotonic()
        if a.event:
            subprocess.run(a.event, shell=True, check=True)
        self.wait_writers(20, a.limit, since=event + a.at_least)
        served = time.monotonic()
        if a.after:
            subprocess.run(a.after, shell=True, check=True)
        time.sleep(a.settle)
        self.wait_writers(5, a.limit, since=time.monotonic())
        self.stopping = True
        for actor in self.actors:
            actor.join(3)
            if actor.is_alive() and actor.client:
                actor.client.abort()  # it waits for an answer that may never come
        for actor in self.actors:
            actor.join(10)
            actor.drop()
        faults = [x.fault for x in self.actors if x.fault]
        if not faults:
            self.final_reads()
        victims = [w for w in self.writers if w.home == 0]
        result = {"outage_ms": self.outage(victims, event),
                  "outage_others_ms": self.outage([w for w in self.writers if w.home != 0], event),
                  "served_after_s": round(served - event, 2),
                  "reclaims": sum(w.reclaims for w in self.writers), "lost": sum(w.lost for w in self.writers),
                  "writes": sum(len(w.acks) for w in self.writers), "operations": len(self.recorder.ops),
                  "faults": faults}
        return result


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--servers", required=True, help="addresses, comma separated; the event happens to the first")
    p.add_argument("--share", required=True)
    p.add_argument("--user", required=True, help="NAME%%PASSWORD")
    p.add_argument("--history", required=True)
    p.add_argument("--prefix", default="", help="of the names of the files")
    p.add_argument("--event", help="shell command, run once all are at work")
    p.add_argument("--after", help="shell command, run once all writers are served again")
    p.add_argument("--at-least", type=float, default=0.0, help="seconds after the event in which service does not count")
    p.add_argument("--settle", type=float, default=1.0)
    p.add_argument("--limit", type=float, default=60.0, help="seconds to wait for service")
    p.add_argument("--without", default="", help="servers (1, 2, ...) left out of the final reads")
    p.add_argument("--reconnect", choices=("next", "same"), default="next")
    p.add_argument("--op-timeout", type=float, default=0.5)
    p.add_argument("--connect-timeout", type=float, default=0.3)
    p.add_argument("--reclaim-timeout", type=float, default=10.0)
    p.add_argument("--pause", type=float, default=0.002, help="seconds between two writes of a writer")
    p.add_argument("--writers", type=int, default=4)
    p.add_argument("--readers", type=int, default=1)
    p.add_argument("--patient-readers", type=int, default=3)
    p.add_argument("--contenders", type=int, default=2)
    p.add_argument("--fighters", type=int, default=3)
    p.add_argument("--plain", action="store_true", help="ordinary opens, for a server without persistent ones")
    p.add_argument("--verbose", action="store_true")
    return p.parse_args()


def main():
    args = arguments()
    world = World(args)
    try:
        result = world.run()
    finally:
        with open(args.history, "w", encoding="utf-8") as f:
            for op in list(world.recorder.ops):
                f.write(json.dumps(op) + "\n")
        for line in sorted(line for w in world.writers for line in w.errors):
            print(line, file=sys.stderr)
    print(json.dumps(result))
    sys.exit(1 if result["faults"] or result["lost"] else 0)


if __name__ == "__main__":
    main()
