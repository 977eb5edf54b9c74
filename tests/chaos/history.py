# SPDX-License-Identifier: GPL-3.0-or-later
"""The history of a chaos run and what it says about each open: when it was held for certain, and how
long it may have been held. tests/chaos/README has the format."""
import bisect
import collections
import json

SECOND = 10**9
FOREVER = 1 << 62
GRACE = 15 * SECOND  # an expiry may be late by this much in a cluster without faults

NOT_FOUND = 0xC0000034
FILE_CLOSED = 0xC0000128

OPS = {"create", "reclaim", "read", "write", "lock", "unlock", "rename", "close", "drop", "lookup", "list", "finish", "break",
       "ack"}
RESULTS = {"ok", "fail", "unknown"}


LEASE_R, LEASE_W = 1, 4
BREAK_TIME = 35 * SECOND  # that a client has to acknowledge a break
RECOVERY = 5 * SECOND  # from the end of a fault until the nodes have found each other again: TCP tries again, views are published, slots serve
NEWS = 3 * SECOND  # in which a cluster without faults has told the news of a change, however slow the machine: it is two messages
LATE = 9 * SECOND  # by which the news of a break may be late: no link is cut, and nothing stopped, for longer


def contact(op):
    """Whether the server was heard to have the open: not what a client did in its cache, or heard of."""
    return op["result"] == "ok" and op["op"] not in ("close", "drop", "break") and not op.get("cached")


def directory_of(name):
    return name.rpartition("\\")[0]


class Bad(Exception):
    """Not a history."""


def load(lines):
    """Operations in the order of the file; each gets "line", its number there."""
    ops = []
    for number, text in enumerate(lines, 1):
        text = text.strip()
        if not text:
            continue
        try:
            op = json.loads(text)
            op["begin"], op["end"] = int(op["begin"]), int(op["end"])
            if op["op"] not in OPS or op["result"] not in RESULTS or op["end"] < op["begin"]:
                raise ValueError("unknown op or result, or it ends before it begins")
        except (ValueError, KeyError, TypeError) as e:
            raise Bad(f"line {number}: not an operation: {e}") from e
        op["line"] = number
        ops.append(op)
    return ops


class Faults:
    """What the nemesis did: [{fault, begin, end, ...}], end being the time when it was healed."""

    def __init__(self, events):
        self.events = events
        self.healed = max((e["end"] for e in events), default=FOREVER)
        # Two clocks may be wrong in opposite directions, and a deadline is set by one node and judged by another.
        self.slack = 2 * max((abs(e.get("skew", 0)) for e in events), default=0)
        self.spans = []
        for e in sorted(events, key=lambda e: e["begin"]):
            end = e["end"] + RECOVERY
            if self.spans and e["begin"] <= self.spans[-1][1]:
                self.spans[-1][1] = max(self.spans[-1][1], end)
            else:
                self.spans.append([e["begin"], end])
        self.begins = [s[0] for s in self.spans]

    def quiet(self, t):
        """t, or the end of the faults that are at work then."""
        i = bisect.bisect_right(self.begins, t) - 1
        return max(t, self.spans[i][1]) if i >= 0 else t

    def calm(self, t):
        """Whether nothing of what the last fault held up is still on its way."""
        i = bisect.bisect_right(self.begins, t) - 1
        return i < 0 or t > self.spans[i][1] + NEWS

    def told(self, t):
        """The moment by which everybody has heard of a change that was answered at t: there were no faults for NEWS since."""
        while True:
            t = self.quiet(t)
            i = bisect.bisect_right(self.begins, t)
            if i == len(self.begins) or self.begins[i] >= t + NEWS:
                return t + NEWS
            t = self.begins[i]

    def expiry(self, t, timeout):
        """The latest moment at which a cluster has to have ended what was left at t."""
        return self.quiet(self.quiet(t) + timeout + self.slack + GRACE) + GRACE


class Open:
    """One open from its CREATE to its end, over all reclaims."""

    def __init__(self, name, ops, faults):
        self.name, self.ops = name, sorted(ops, key=lambda o: o["begin"])
        creates = [o for o in self.ops if o["op"] == "create"]
        self.create = next((o for o in creates if o["result"] == "ok"), None)
        first = self.create or creates[0]
        self.file, self.persistent = first["file"], bool(first.get("persistent"))
        self.timeout = first.get("timeout", 0)
        self.begun, self.start = creates[0]["begin"], self.create["end"] if self.create else None
        good = [o for o in self.ops if contact(o)]
        self.last_ok = max(good, key=lambda o: o["begin"]) if good else None
        self.lost = next((o for o in self.ops if o["op"] == "reclaim" and o["result"] == "fail"
                          and o.get("status") == NOT_FOUND), None)
        # A success that begins when a close has ended says that it did not happen. A break may be acknowledged during one.
        after = self.last_ok["begin"] if self.last_ok else 0
        closes = [o for o in self.ops if o["op"] == "close" and o["end"] > after]
        self.close = closes[0] if closes else None
        self.closed = next((o for o in closes if o["result"] == "ok"), None)
        self.until = self.certain_end(faults)
        self.possible = self.possible_end(creates, faults)

    def deadline(self, faults):
        """Before this moment the server must not have given up a persistent open."""
        return self.last_ok["begin"] + max(0, self.timeout - faults.slack)

    def certain_end(self, faults):
        if not self.create:
            return 0
        if self.close:
            return self.close["begin"]
        return self.deadline(faults) if self.persistent else self.last_ok["begin"]

    def possible_end(self, creates, faults):
        if self.closed:
            return self.closed["end"]
        if not self.create and all(o["result"] == "fail" for o in creates):
            return 0
        return faults.expiry(max(o["end"] for o in self.ops), self.timeout)


def opens_of(ops, faults):
    by_name = collections.defaultdict(list)
    for op in ops:
        if op.get("open"):
            by_name[op["open"]].append(op)
    found = {}
    for name, mine in by_name.items():
        if not any(o["op"] == "create" for o in mine):
            raise Bad(f"line {mine[0]['line']}: the open {name} was never made")
        found[name] = Open(name, mine, faults)
    return found
