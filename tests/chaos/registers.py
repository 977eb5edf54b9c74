# SPDX-License-Identifier: GPL-3.0-or-later
"""Is every read of a cell explained by the writes? Each cell is an atomic register whose written values
are all different, so linearizability is decided exactly (Gibbons and Korach, "Testing shared memories", 1997):
a value's zone reaches from the first end to the last begin of its write and reads; zones of values that
must have been current throughout ("forward") must not overlap, and no other value fits inside one."""
import bisect
import collections

from history import FOREVER


def write_ends(opens):
    """{line of an unknown write: when it has happened or never will}: the node that takes an open over first ends
    the I/O that ran on it."""
    ends = {}
    for o in opens.values():
        waiting = []
        for op in o.ops:
            if op["op"] == "write" and op["result"] == "unknown":
                waiting.append(op)
            elif op["op"] == "reclaim" and op["result"] == "ok":
                for w in waiting:
                    ends[w["line"]] = max(op["end"], w["begin"])
                waiting = []
    return ends


class Value:
    """A write and its reads. The first one, 0, was there before anything began."""

    def __init__(self, write, end):
        self.write, self.reads = write, []
        self.first_end, self.ender = end, write
        self.last_begin, self.beginner = (write["begin"] if write else -1), write

    def add(self, read):
        self.reads.append(read)
        if read["end"] < self.first_end:
            self.first_end, self.ender = read["end"], read
        if read["begin"] > self.last_begin:
            self.last_begin, self.beginner = read["begin"], read

    def lines(self):
        return [o for o in {id(o): o for o in (self.write, self.ender, self.beginner) if o}.values()]


def values_of(writes, reads, ends):
    """{value: Value}, sentences about reads that no write explains."""
    values, refused, wrong = {0: Value(None, -1)}, {}, []
    for w in writes:
        if w["value"] in values or w["value"] in refused:
            wrong.append(("two writes of one value", [w]))
        elif w["result"] == "fail":
            refused[w["value"]] = w
        else:
            values[w["value"]] = Value(w, w["end"] if w["result"] == "ok" else ends.get(w["line"], FOREVER))
    for r in reads:
        v = values.get(r["value"])
        if v is None:
            known = refused.get(r["value"])
            wrong.append(("a read gives what was refused" if known else "a read gives what nobody wrote",
                          [known, r] if known else [r]))
        elif v.write and v.write["begin"] > r["end"]:
            wrong.append(("a read gives a value before its write began", [v.write, r]))
        else:
            v.add(r)
    return values, wrong


def check_cell(writes, reads, ends):
    values, wrong = values_of(writes, reads, ends)
    forward, backward = [], []
    for v in values.values():
        if v.write and v.write["result"] == "unknown" and not v.reads:
            continue  # it may never have happened
        (forward if v.first_end < v.last_begin or not v.write else backward).append(v)
    forward.sort(key=lambda v: v.first_end)
    for a, b in zip(forward, forward[1:]):
        if b.first_end < a.last_begin:
            wrong.append(("two values were current at the same time (a write was lost, or a read was stale)",
                          a.lines() + b.lines()))
    begins = [v.first_end for v in forward]
    for b in backward:
        i = bisect.bisect_left(begins, b.last_begin) - 1
        if i >= 0 and b.first_end < forward[i].last_begin:
            wrong.append(("a write was lost: another value was current before and after it",
                          b.lines() + forward[i].lines()))
    return wrong


def check(ops, opens):
    writes, reads = collections.defaultdict(list), collections.defaultdict(list)
    for op in ops:
        if op["op"] == "write":
            writes[op["file"], op["offset"]].append(op)
        elif op["op"] == "read" and op["result"] == "ok":
            reads[op["file"], op["offset"]].append(op)
    ends, wrong = write_ends(opens), []
    for cell in sorted(set(writes) | set(reads)):
        wrong += check_cell(writes[cell], reads[cell], ends)
    return wrong
