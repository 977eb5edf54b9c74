# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a schedule out on a lab. Each fault is a function that begins it and returns the one that heals it."""
import heapq
import itertools
import json
import os
import signal
import struct
import subprocess
import time

PROGRAMS = ("holdfast-smbd", "holdfast-clusterd", "holdfast-noded", "corosync")
SETTLE = 2.0  # seconds between two faults of one node
NOWHERE = "02:00:00:00:00:01"  # a hardware address that nobody has


class Lab:
    """The lab's nodes, seen from outside of their namespaces."""

    def __init__(self, script, nodes):
        self.script, self.dir, self.nodes = script, os.environ["HF_LAB"], nodes
        self.mount = {}
        for name in os.listdir(f"{self.dir}/hold"):
            with open(f"{self.dir}/hold/{name}", encoding="utf-8") as f:
                self.mount[name] = f.read().split()[2]

    def run(self, function, *args, check=True):
        """A function of lab.sh."""
        words = ["bash", "-uc", '. "$1"; shift; lab_load; "$@"', "lab", self.script, function, *map(str, args)]
        subprocess.run(words, check=check, stdin=subprocess.DEVNULL)

    def inside(self, node, *command):
        self.run("lab_exec", node, *command, check=False)

    def pids(self, node, program=None):
        """Processes of a node (its number, or the name of a namespace): those of one program, or all of the product and
        corosync."""
        found, mount = [], self.mount[node if isinstance(node, str) else f"n{node}"]
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                if os.readlink(f"/proc/{name}/ns/mnt") != mount:
                    continue
                exe = os.path.basename(os.readlink(f"/proc/{name}/exe")).removesuffix(" (deleted)")
            except OSError:
                continue
            if exe == program or (program is None and exe in PROGRAMS):
                found.append(int(name))
        return found

    def serving(self, node):
        """The file server of a node, not the one that stands by."""
        found = []
        for p in self.pids(node, "holdfast-smbd"):
            try:
                with open(f"/proc/{p}/comm", encoding="utf-8") as f:
                    found += [p] if f.read().strip() != "smbd-stands-by" else []
            except OSError:
                pass
        return found

    def send(self, pids, sig):
        for p in pids:
            try:
                os.kill(p, sig)
            except ProcessLookupError:
                pass

    def address(self, node):
        return f"10.77.0.{node}"

    def lose(self, sender, receiver):
        """What the one node sends to the other gets lost from now on; returns how it ends."""
        words = ("ip", "neigh", "replace", self.address(receiver), "lladdr", NOWHERE, "dev", "eth0", "nud", "permanent")
        self.inside(sender, *words)
        return lambda: self.inside(sender, "ip", "neigh", "del", self.address(receiver), "dev", "eth0")


def nothing():
    pass


def kill_smbd(lab, event):
    for n in event["nodes"]:
        lab.send(lab.serving(n), signal.SIGKILL)
    return nothing


def kill_program(program):
    def begin(lab, event):
        for n in event["nodes"]:
            lab.send(lab.pids(n, program), signal.SIGKILL)
        return nothing
    return begin


def kill_noded(lab, event):
    node = event["nodes"][0]
    lab.send(lab.pids(node, "holdfast-noded"), signal.SIGKILL)
    return lambda: lab.run("lab_node_start", node)


def kill_corosync(lab, event):
    node = event["nodes"][0]
    lab.send(lab.pids(node, "corosync"), signal.SIGKILL)
    return lambda: lab.run("lab_corosync_start", node)


def kill_nodes(lab, event):
    for n in event["nodes"]:
        lab.run("lab_kill", n)
    return lambda: [lab.run("lab_start", n) for n in event["nodes"]]


def poweroff(lab, event):
    node = event["nodes"][0]
    lab.run("lab_poweroff", node)

    def heal():
        lab.run("lab_heal", node)
        lab.run("lab_start", node)
    return heal


def restart(lab, event):
    node = event["nodes"][0]
    lab.run("lab_stop", node)
    return lambda: lab.run("lab_start", node)


def cut(lab, event):
    node = event["nodes"][0]
    lab.run("lab_cut", node)
    return lambda: lab.run("lab_heal", node)


def cut_ways(ways):
    """Packets between nodes get lost in some directions; clients reach every node all the same."""
    def begin(lab, event):
        ends = [lab.lose(a, b) for a, b in ways(event["nodes"], range(1, lab.nodes + 1))]
        return lambda: [end() for end in ends]
    return begin


def to_others(targets, nodes):
    return [(targets[0], n) for n in nodes if n != targets[0]]


def from_others(targets, nodes):
    return [(n, targets[0]) for n in nodes if n != targets[0]]


def pause(program):
    def begin(lab, event):
        pids = lab.pids(event["nodes"][0], program)
        lab.send(pids, signal.SIGSTOP)
        return lambda: lab.send(pids, signal.SIGCONT)
    return begin


def wake_to_massacre(lab, event):
    """A node sleeps past its lease; when it wakes up all file servers die, so that the records decide alone."""
    sleepers = lab.pids(event["sleeper"])
    lab.send(sleepers, signal.SIGSTOP)

    def heal():
        lab.send(sleepers, signal.SIGCONT)
        time.sleep(event["after"])
        for n in event["nodes"]:
            lab.send(lab.pids(n, "holdfast-smbd"), signal.SIGKILL)
    return heal


def clock_skew(lab, event):
    """tests/chaos/skew.c reads the file."""
    path = f"{lab.dir}/skew/n{event['nodes'][0]}"

    def put(seconds):
        with open(path, "r+b") as f:
            f.write(struct.pack("<q", int(seconds * 10**9)))
    put(event["skew"])
    return lambda: put(0)


def fill(directory):
    """The file system of the files, or of the records, has no room left."""
    def begin(lab, _event):
        path = os.path.join(os.environ[directory], "ballast")
        block = bytes(1 << 16)
        with open(path, "ab", buffering=0) as f:
            try:
                while True:
                    f.write(block)
            except OSError:
                pass
        return lambda: os.unlink(path)
    return begin


def daemon(event):
    return f"osd.{event['osd']}" if "osd" in event else "mon.a"


def kill_ceph(lab, event):
    lab.run("lab_ceph_kill", daemon(event))
    return lambda: lab.run("lab_ceph_start", daemon(event))


def pause_ceph(lab, event):
    lab.run("lab_ceph_kill", daemon(event), "STOP")
    return lambda: lab.run("lab_ceph_kill", daemon(event), "CONT")


BEGIN = {
    "kill-smbd": kill_smbd,
    "kill-every-smbd": kill_program("holdfast-smbd"),
    "kill-clusterd": kill_program("holdfast-clusterd"),
    "kill-noded": kill_noded,
    "kill-corosync": kill_corosync,
    "kill-node": kill_nodes,
    "kill-every-node": kill_nodes,
    "poweroff": poweroff,
    "restart": restart,
    "cut": cut,
    "cut-in": cut_ways(from_others),
    "cut-out": cut_ways(to_others),
    "cut-peers": cut_ways(lambda t, n: to_others(t, n) + from_others(t, n)),
    "cut-pair": cut_ways(lambda t, n: [(t[0], t[1]), (t[1], t[0])]),
    "cut-pair-one-way": cut_ways(lambda t, n: [(t[0], t[1])]),
    "pause-smbd-short": pause("holdfast-smbd"),
    "pause-smbd-long": pause("holdfast-smbd"),
    "pause-clusterd-short": pause("holdfast-clusterd"),
    "pause-clusterd-long": pause("holdfast-clusterd"),
    "pause-corosync-short": pause("corosync"),
    "pause-corosync-long": pause("corosync"),
    "pause-node-short": pause(None),
    "pause-node-long": pause(None),
    "wake-to-massacre": wake_to_massacre,
    "clock-skew": clock_skew,
    "disk-full": fill("HF_DATA"),
    "store-full": fill("HF_STORE"),
    "kill-osd": kill_ceph,
    "pause-osd": pause_ceph,
    "kill-mon": kill_ceph,
}


class Nemesis:
    def __init__(self, lab, plan, out, say):
        self.lab, self.plan, self.out, self.say = lab, plan, out, say
        self.serial, self.heals, self.free, self.errors = itertools.count(), [], {}, []

    def ready(self, event, now):
        """No other fault is at work, or hardly over, where this one is to begin. Slow machines need that: there a
        node may take longer to come back than the schedule thinks."""
        targets = set(event["nodes"]) or {0}
        busy = any(targets & (set(record["nodes"]) or {0}) for _, _, record, _ in self.heals)
        return not busy and all(self.free.get(n, 0) <= now for n in targets)

    def begin(self, event):
        record = {**event, "begin": time.monotonic_ns()}
        if "skew" in event:
            record["skew"] = int(event["skew"] * 10**9)
        where = f"osd.{event['osd']}" if "osd" in event else " ".join(map(str, event["nodes"]))
        self.say(f"{event['fault']} {where} for {event['for']} s")
        heal = BEGIN[event["fault"]](self.lab, event)
        heapq.heappush(self.heals, (time.monotonic() + event["for"], next(self.serial), record, heal))

    def heal(self):
        _, _, record, heal = heapq.heappop(self.heals)
        try:
            heal()
        except subprocess.CalledProcessError as e:
            self.errors.append(f"{record['fault']} {record['nodes']} cannot be healed: {e}")
        record["end"] = time.monotonic_ns()
        for n in record["nodes"] or [0]:
            self.free[n] = time.monotonic() + SETTLE
        self.out.write(json.dumps(record) + "\n")
        self.out.flush()

    def run(self, seconds, stop):
        """Returns how many faults there were when the last one is healed: after `seconds`, or when stop() says so. What
        comes late moves all that follows."""
        started = start = time.monotonic()
        plan, done = list(self.plan), 0
        while True:
            now = time.monotonic()
            over = stop() or bool(self.errors) or not plan or now > started + seconds
            if over and not self.heals:
                return done
            if self.heals and (self.heals[0][0] <= now or stop()):
                self.heal()
            elif not over and start + plan[0]["at"] <= now and self.ready(plan[0], now):
                start = max(start, now - plan[0]["at"])
                self.begin(plan.pop(0))
                done += 1
            else:
                time.sleep(0.02)
