#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One chaos run: clients at work on a lab that is up, a nemesis at work on the lab, everything healed at the end,
everybody served, and the state of the files read through every node and beside them. Runs on the lab's client
(tests/chaos/run.sh); check.py judges what it wrote."""
import argparse
import json
import os
import struct
import sys
import threading
import time

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cluster", "peer"))
import clients
import history
import listings
import nemesis
import schedule
import smb2

SETTLE = 15.0  # seconds of ordinary work after the last heal: the last of them are calm (history.NEWS)
PATIENCE = history.GRACE / history.SECOND + 90  # for the end of all clients


class World:
    def __init__(self, args, out):
        self.seed, self.share, self.pause, self.persistent = args.seed, args.share, args.pause, args.persistent
        self.servers = args.servers.split(",")
        self.user, _, self.password = args.user.partition("%")
        self.recorder, self.names = clients.Recorder(out), []
        self.stopping, self.over = threading.Event(), threading.Event()


def say(text):
    print(f"chaos: {text}", flush=True)


class Final(clients.Client):
    """Looks at everything when all clients have closed: alone in each file, through every node, and on the disk."""

    def __init__(self, world, directory):
        super().__init__(world, 0)
        self.name, self.patience, self.directory = "final", 20.0, directory

    def alone(self, file):
        """Opens a file sharing nothing. What clients lost without closing keeps it until its time is over."""
        end = time.monotonic() + max(clients.TIMEOUTS) / 1000 + 3 * history.GRACE / history.SECOND
        while True:
            self.serial += 1
            o = clients.Open(f"{self.name}.{self.serial}", file, "r" if file in listings.DIRECTORIES else "rw", "", False, 0)
            last = {"final": True} if time.monotonic() > end else {}
            try:
                self.create_for(o, last)
                self.opens.append(o)
                return o
            except smb2.Status:
                if last:
                    return None
            time.sleep(0.5)

    def create_for(self, o, last):
        def call():
            o.fid, _ = self.smb.create(o.file, clients.bits(clients.ACCESS, o.access), 0, smb2.OPEN_IF)
        self.record(o, "create", call, access=o.access, share=o.share, persistent=False, **last)

    def look(self):
        for node in range(len(self.world.servers)):
            self.node = node
            self.connect()
            for i in range(clients.SHARED + clients.CALM):
                o = self.alone(f"s{i}")
                if o:
                    for cell in range(clients.CELLS):
                        self.read(o, cell * clients.CELL, final=True)
                    self.close(o)
            for directory in listings.DIRECTORIES:
                o = self.alone(directory)
                if o:
                    self.list(o)
                    self.close(o)
            for name in self.world.names[-100:]:
                self.lookup(name)
            self.drop()
        self.disk()

    def disk(self):
        """Beside the file servers."""
        base = {"client": "disk", "open": None, "outside": True, "result": "ok"}
        for i in range(clients.SHARED + clients.CALM):
            path = os.path.join(self.directory, f"s{i}")
            data = b""
            if os.path.exists(path):
                with open(path, "rb") as f:
                    data = f.read()
            for cell in range(clients.CELLS):
                now = time.monotonic_ns()
                value = struct.unpack("<Q", data[cell * 8:cell * 8 + 8].ljust(8, b"\0"))[0]
                self.world.recorder.put({**base, "file": f"s{i}", "op": "read", "begin": now, "end": now,
                                         "offset": cell * 8, "value": value})
        for name in set(self.world.names):
            now = time.monotonic_ns()
            found = os.path.exists(os.path.join(self.directory, name.replace("\\", "/")))
            verdict = {} if found else {"result": "fail", "status": smb2.OBJECT_NAME_NOT_FOUND}
            self.world.recorder.put({**base, "file": name, "op": "lookup", "begin": now, "end": now, **verdict})


def rest(world, actors):
    """Waits until all clients have come to their end."""
    world.stopping.set()
    end = time.monotonic() + PATIENCE
    for a in actors:
        a.join(max(0.0, end - time.monotonic()))
    world.over.set()
    for a in actors:
        a.join(30)


def perform(args, world, out):
    lab = nemesis.Lab(args.lab, len(world.servers))
    plan = schedule.make(args.seed, args.seconds, lab.nodes, args.store, [f for f in args.faults.split(",") if f])
    with open(args.schedule, "w", encoding="utf-8") as f:
        f.writelines(json.dumps(event) + "\n" for event in plan)
    listings.make(args.directory)
    actors = [clients.Client(world, i) for i in range(args.clients)]
    for a in actors:
        a.start()
    breaker = nemesis.Nemesis(lab, plan, out, say)
    done = breaker.run(args.seconds, lambda: any(a.fault for a in actors))
    say(f"all is healed after {done} faults and {world.recorder.count} operations")
    lab.run("lab_wait_view", lab.nodes, 60, check=False)  # the clients say whether they are served
    time.sleep(SETTLE)
    rest(world, actors)
    faults = breaker.errors + [a.fault for a in actors if a.fault]
    final = Final(world, args.directory)
    try:
        final.look()
        now = time.monotonic_ns()
        # Its time is no part of the bound for the clients: it begins when they have ended, and has one for each operation.
        world.recorder.put({"client": "final", "open": None, "op": "finish", "final": True, "result": "ok",
                            "begin": now, "end": now})
    except (smb2.Gone, smb2.Status, smb2.Wrong) as e:
        faults.append(f"the look at the end: {e}")
    return faults


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--lab", required=True, help="lab.sh")
    p.add_argument("--servers", required=True, help="addresses, comma separated")
    p.add_argument("--share", required=True, help="a continuously available share")
    p.add_argument("--directory", required=True, help="of the share")
    p.add_argument("--user", required=True, help="NAME%%PASSWORD")
    p.add_argument("--seed", required=True)
    p.add_argument("--seconds", type=float, required=True, help="during which faults begin")
    p.add_argument("--store", required=True, choices=("lmdb", "rados"))
    p.add_argument("--faults", default="", help="only these, comma separated")
    p.add_argument("--clients", type=int, default=12)
    p.add_argument("--pause", type=float, default=0.04, help="mean seconds between two operations of a client")
    p.add_argument("--persistent", type=float, default=0.75, help="share of the opens that are persistent (0: none at all)")
    p.add_argument("--history", required=True)
    p.add_argument("--nemesis", required=True, help="where to write what was done, and when")
    p.add_argument("--schedule", required=True, help="where to write what is to be done")
    return p.parse_args()


def main():
    args = arguments()
    with open(args.history, "w", encoding="utf-8") as out, open(args.nemesis, "w", encoding="utf-8") as events:
        faults = perform(args, World(args, out), events)
    for fault in faults:
        say(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
