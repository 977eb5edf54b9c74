# SPDX-License-Identifier: GPL-3.0-or-later
"""What opens hold: share modes, byte-range locks and leases. A kind of resource says from when to when an
operation holds it for certain, until when it may hold it, and which two exclude each other; the rest is
the same for all kinds.

  exclusion   at no moment do two opens hold for certain what excludes each other
  phantom     who is refused something was refused it for the sake of an open that may have been there"""
import collections

from history import LEASE_W

SHARING_VIOLATION = 0xC0000043
FILE_NOT_AVAILABLE = 0xC0000467
LOCK_NOT_GRANTED = 0xC0000055
FILE_LOCK_CONFLICT = 0xC0000054
LONGEST = 120 * 10**9  # no client waits longer for an answer
CELL = 8  # what reads and writes touch

# A hold: [start, until) for certain; [begun, possible) perhaps.
Hold = collections.namedtuple("Hold", "open op start until begun possible")


# --- share modes: "access" and "share" are letters of "rwd" ---

def share_holds(o):
    tried = [c for c in o.ops if c["op"] == "create" and c["result"] != "fail"]
    if not tried:
        return []
    return [Hold(o, o.create or tried[0], o.start, o.until, o.begun, o.possible)]


def share_excludes(a, b):
    def denied(x, y):
        return any(right not in y["share"] for right in x["access"])
    return denied(a, b) or denied(b, a)


def share_refused(op):
    return op["op"] == "create" and op.get("status") in (SHARING_VIOLATION, FILE_NOT_AVAILABLE) and not op.get("replay")


def share_blocks(hold, op):
    """A disconnected persistent open keeps everybody out, whatever it shares."""
    if hold.open.name == op["open"]:
        return False
    if op["status"] == FILE_NOT_AVAILABLE:
        return hold.open.persistent
    return share_excludes(hold.op, op)


# --- byte-range locks: "offset", "length", "exclusive" ---

def overlap(a, b):
    return a["offset"] < b["offset"] + b["length"] and b["offset"] < a["offset"] + a["length"]


def lock_holds(o):
    found = []
    for i, op in enumerate(o.ops):
        if op["op"] != "lock" or op["result"] == "fail":
            continue
        unlocks = [u for u in o.ops[i + 1:] if u["op"] == "unlock" and u["offset"] == op["offset"]
                   and u["length"] == op["length"]]
        done = next((u["end"] for u in unlocks if u["result"] == "ok"), o.possible)
        start = op["end"] if op["result"] == "ok" else None
        until = min([u["begin"] for u in unlocks[:1]] + [o.until])
        found.append(Hold(o, op, start, until, op["begin"], min(done, o.possible)))
    return found


def lock_excludes(a, b):
    return (a["exclusive"] or b["exclusive"]) and overlap(a, b)


def lock_refused(op):
    return op.get("status") in (LOCK_NOT_GRANTED, FILE_LOCK_CONFLICT)


def lock_blocks(hold, op):
    if op["op"] == "lock":
        return lock_excludes(hold.op, op)
    if not overlap(hold.op, {**op, "length": CELL}):
        return False
    # An open's own shared lock denies writing to itself too.
    return (hold.op["exclusive"] and hold.open.name != op["open"]) or (op["op"] == "write" and not hold.op["exclusive"])


# --- leases: who may cache writes is alone with the file ---

def lease_holds(o):
    """The open itself, and the time during which it caches writes: until its client acknowledges a break or, when it does not, hears
    of it."""
    found = [h._replace(op={**h.op, "writes": False}) for h in share_holds(o) if h.start is not None]
    if not found or not (o.create or {}).get("lease", 0) & LEASE_W:
        return found
    until = o.until
    for i, op in enumerate(o.ops):
        if op["op"] == "break" and not op["to"] & LEASE_W:
            ack = next((a for a in o.ops[i + 1:] if a["op"] == "ack"), None)
            if ack and ack["result"] == "fail":
                return found  # its time was over before, nobody knows since when
            until = min(until, ack["begin"] if ack else op["begin"])
            break
        if op["op"] == "reclaim" and op["result"] == "ok" and (op["breaking"] or not op["lease"] & LEASE_W):
            until = min(until, op["begin"])
            break
    return found + [Hold(o, {**o.create, "writes": True}, o.start, until, o.begun, o.possible)]


def lease_excludes(a, b):
    return a["writes"] or b["writes"]


Kind = collections.namedtuple("Kind", "name holds excludes refused blocks")
KINDS = (
    Kind("share mode", share_holds, share_excludes, share_refused, share_blocks),
    Kind("byte-range lock", lock_holds, lock_excludes, lock_refused, lock_blocks),
    Kind("lease to cache writes beside an open", lease_holds, lease_excludes, lambda op: False, None),
)


def exclusion(kind, holds):
    wrong, active = [], []
    for h in sorted((h for h in holds if h.start is not None and h.start < h.until), key=lambda h: h.start):
        active = [a for a in active if a.until > h.start]
        for a in active:
            if a.open is not h.open and kind.excludes(a.op, h.op):
                wrong.append((f"two opens held a {kind.name} that exclude each other", evidence(a) + evidence(h)))
        active.append(h)
    return wrong


def evidence(hold):
    """The operations that say from when to when it was held."""
    last = hold.open.last_ok
    return [hold.op] + ([last] if last and last["line"] != hold.op["line"] else [])


def phantoms(kind, holds, refusals):
    wrong, active, i = [], [], 0
    holds = sorted(holds, key=lambda h: h.begun)
    for op in sorted(refusals, key=lambda o: o["end"]):
        while i < len(holds) and holds[i].begun < op["end"]:
            active.append(holds[i])
            i += 1
        active = [h for h in active if h.possible > op["end"] - LONGEST]
        if not any(h.possible > op["begin"] and kind.blocks(h, op) for h in active):
            wrong.append((f"refused for a {kind.name} that nobody can have held", [op]))
    return wrong


def unlocks_refused(opens):
    """A lock that was granted and never given back is there to be given back."""
    wrong = []
    for o in opens.values():
        held = {}
        for op in o.ops:
            where = (op.get("offset"), op.get("length"))
            if op["op"] == "lock" and op["result"] == "ok":
                held[where] = op
            elif op["op"] == "unlock":
                lock = held.pop(where, None)
                if lock and op.get("status") == 0xC000007E:
                    wrong.append(("a lock was lost: its unlock was refused", [lock, op]))
    return wrong


def intrusions(holds, ops):
    """Nobody reads or writes where another open held an exclusive lock all the while."""
    wrong, done = [], [o for o in ops if o["op"] in ("read", "write") and o["result"] == "ok" and o.get("open")]
    spans = [h for h in holds if h.start is not None and h.op["exclusive"] and h.start < h.until]
    done.sort(key=lambda o: o["begin"])
    spans.sort(key=lambda h: h.start)
    i, active = 0, []
    for op in done:
        while i < len(spans) and spans[i].start <= op["begin"]:
            active.append(spans[i])
            i += 1
        active = [h for h in active if h.until > op["begin"]]
        for h in active:
            if op["end"] < h.until and h.open.name != op["open"] and overlap(h.op, {**op, "length": CELL}):
                wrong.append((f"a {op['op']} went through another open's exclusive lock", evidence(h) + [op]))
    return wrong


def check(ops, opens):
    wrong = unlocks_refused(opens)
    for kind in KINDS:
        holds, refusals = collections.defaultdict(list), collections.defaultdict(list)
        for o in opens.values():
            for h in kind.holds(o):
                holds[o.file].append(h)
        for op in ops:
            if kind.refused(op):
                refusals[op["file"]].append(op)
        for name in sorted(set(holds) | set(refusals)):
            wrong += exclusion(kind, holds[name]) + phantoms(kind, holds[name], refusals[name])
        if kind.name == "byte-range lock":
            by_file = collections.defaultdict(list)
            for op in ops:
                if op["op"] in ("read", "write"):
                    by_file[op["file"]].append(op)
            for name, mine in holds.items():
                wrong += intrusions(mine, by_file[name])
    return wrong
