#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a seed to a schedule: which fault begins when, where, and for how long. Pure: the same arguments
give the same schedule. `schedule.py SEED SECONDS NODES STORE [FAULT,...]` prints one."""
import json
import random
import sys

# name: (seconds it lasts, targets, weight). Targets: "node" one, "pair" two, "all" the whole cluster,
# "none" nothing of a node (a disk, Ceph).
FAULTS = {
    "kill-smbd": ((0, 0), "node", 3),
    "kill-clusterd": ((0, 0), "node", 2),
    "kill-noded": ((0.5, 4), "node", 1),
    "kill-corosync": ((0.5, 5), "node", 1),
    "kill-node": ((1, 8), "node", 2),
    "poweroff": ((1, 8), "node", 2),
    "restart": ((0.5, 3), "node", 1),
    "kill-every-smbd": ((0, 0), "all", 1),
    "kill-every-node": ((1, 3), "all", 1),
    "cut": ((1, 9), "node", 2),
    "cut-in": ((1, 9), "node", 1),
    "cut-out": ((1, 9), "node", 1),
    "cut-peers": ((1, 9), "node", 2),
    "cut-pair": ((1, 9), "pair", 1),
    "cut-pair-one-way": ((1, 9), "pair", 1),
    "pause-smbd-short": ((0.1, 0.9), "node", 1),
    "pause-smbd-long": ((3, 9), "node", 2),
    "pause-clusterd-short": ((0.1, 0.9), "node", 1),
    "pause-clusterd-long": ((3, 9), "node", 1),
    "pause-corosync-short": ((0.1, 0.9), "node", 1),
    "pause-corosync-long": ((3, 9), "node", 1),
    "pause-node-short": ((0.1, 0.9), "node", 1),
    "pause-node-long": ((3, 9), "node", 2),
    "wake-to-massacre": ((5, 8), "all", 1),
    "clock-skew": ((2, 10), "node", 1),
    "disk-full": ((1, 4), "none", 1),
    "store-full": ((1, 4), "none", 1),
    "kill-osd": ((1, 8), "none", 2),
    "pause-osd": ((0.5, 6), "none", 1),
    "kill-mon": ((1, 8), "none", 1),
}
ONLY_STORE = {"store-full": "lmdb", "kill-osd": "rados", "pause-osd": "rados", "kill-mon": "rados"}
SKEW = (0.3, 2.0)  # seconds that a node's clock is wrong by
WARM_UP, RECOVERY = 3.0, 4.0
OSDS = 3


def names_for(store, only=()):
    for name in only:
        if name not in FAULTS:
            raise ValueError(f"there is no fault {name}; there are {', '.join(FAULTS)}")
    return [f for f in FAULTS if ONLY_STORE.get(f, store) == store and (not only or f in only)]


class Free:
    """From when on each node, and what belongs to none, is free for the next fault."""

    def __init__(self, nodes):
        self.nodes = list(range(1, nodes + 1))
        self.until = {n: 0.0 for n in self.nodes + [0]}

    def pick(self, rng, kind, at):
        """Targets of a fault, or None when there are too few that are free."""
        free = [n for n in self.nodes if self.until[n] <= at]
        if kind == "none":
            return [] if self.until[0] <= at else None
        if kind == "all":
            return list(self.nodes) if len(free) == len(self.nodes) else None
        wanted = 2 if kind == "pair" else 1
        return rng.sample(free, wanted) if len(free) >= wanted else None

    def take(self, targets, until):
        for n in targets or [0]:
            self.until[n] = until


def more_of(rng, name, nodes):
    if name == "clock-skew":
        return {"skew": round(rng.uniform(*SKEW) * rng.choice((-1, 1)), 3)}
    if name in ("kill-osd", "pause-osd"):
        return {"osd": rng.randrange(OSDS)}
    if name == "wake-to-massacre":
        return {"sleeper": rng.randint(1, nodes), "after": round(rng.uniform(0.02, 0.3), 3)}
    return {}


def make(seed, seconds, nodes, store="lmdb", only=()):
    """[{at, for, fault, nodes, ...}] in order of `at`, seconds from the start. Faults on different nodes overlap;
    now and then there is a pause in which everything is well."""
    rng = random.Random(f"holdfast chaos {seed}")
    names = names_for(store, only)
    bag, plan, free, at = [], [], Free(nodes), WARM_UP
    while True:
        if not bag:  # every fault comes before one comes again as often as its weight says
            bag = [f for f in names for _ in range(FAULTS[f][2])]
            rng.shuffle(bag)
        name = bag.pop()
        (low, high), kind, _ = FAULTS[name]
        lasts = round(rng.uniform(low, high), 3)
        targets = free.pick(rng, kind, at)
        while targets is None:
            at = min(u for u in free.until.values() if u > at)
            targets = free.pick(rng, kind, at)
        if at + lasts > seconds:
            return plan
        plan.append({"at": round(at, 3), "for": lasts, "fault": name, "nodes": targets, **more_of(rng, name, nodes)})
        free.take(targets, at + lasts + RECOVERY)
        at += rng.uniform(12, 18) if rng.random() < 0.1 else rng.uniform(0.3, 5)


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit("usage: schedule.py SEED SECONDS NODES STORE [FAULT,...]")
    only = sys.argv[5].split(",") if len(sys.argv) == 6 else ()
    for event in make(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4], only):
        print(json.dumps(event))


if __name__ == "__main__":
    main()
