# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of files: each belongs to the one client that made it, so that it is known when it is there.

  names     a file is there from its creation or rename to its next rename or deletion, and only then: looked up or listed
  outdated  what a lease on a directory caches is not older than the news of a change can be"""
import collections

from history import directory_of, FOREVER, NOT_FOUND, SECOND

CAME, WENT = "a name is not there although its file was made and not deleted", "a name is there that was deleted or renamed"

# A name is certain to be there, or not, from `since` to `until`, by the operation `op`.
Span = collections.namedtuple("Span", "since until there op")


def spans_of(o, faults):
    """{name: [Span]} of one open that has "private" names."""
    spans = collections.defaultdict(list)

    def there(name, op):
        spans[name].append(Span(op["end"], FOREVER, True, op))

    def unsure(name, at):
        if spans[name] and spans[name][-1].there:
            spans[name][-1] = spans[name][-1]._replace(until=min(at, spans[name][-1].until))

    doc = o.create.get("delete_on_close")
    there(o.create["file"], o.create)
    where = o.create["file"]
    for op in o.ops:
        if op["op"] == "rename":
            unsure(where, op["begin"])
            if op["result"] == "ok":
                if op["from"] != op["to"]:
                    spans[op["from"]].append(Span(op["end"], FOREVER, False, op))
                where = op["to"]
                there(where, op)
            elif op["result"] == "unknown":
                where = op["to"]  # or not: nothing is certain until the next rename
        elif op["op"] == "close" and doc:
            unsure(where, op["begin"])
            if op["result"] == "ok":
                spans[where].append(Span(op["end"], FOREVER, False, op))
    if doc and not o.closed:
        unsure(where, o.until)
        spans[where].append(Span(o.possible, FOREVER, False, o.ops[-1]))
    return spans


def spans_by_name(opens, faults):
    spans = collections.defaultdict(list)
    for o in opens.values():
        if o.create and o.create.get("private"):
            for name, mine in spans_of(o, faults).items():
                spans[name] += mine
    return spans


def answered(op):
    """What a lookup found; None: nothing is known."""
    if op["result"] == "ok":
        return True
    return False if op.get("status") == NOT_FOUND else None


def looked_up(ops, spans):
    wrong = []
    for op in ops:
        if op["op"] != "lookup" or op.get("cached") or answered(op) is None:
            continue
        found = answered(op)
        for s in spans.get(op["file"], ()):
            if s.since <= op["begin"] and op["end"] <= s.until and s.there != found:
                wrong.append((WENT if found else CAME, [s.op, op]))
                break
    return wrong


def listed(ops, spans):
    """Entries that do not change while a directory is listed are in the list, or not."""
    wrong, present = [], collections.defaultdict(list)
    for name, mine in spans.items():
        present[directory_of(name)] += [(s.since, s.until, name, s) for s in mine if s.there and s.since < s.until]
    lists = collections.defaultdict(list)
    for op in ops:
        if op["op"] == "list" and op["result"] == "ok":
            lists[op["file"]].append(op)
    for directory, mine in lists.items():
        mine.sort(key=lambda op: op["begin"])
        waiting, active = sorted(present[directory], key=lambda p: p[0]), []
        waiting.reverse()
        for op in mine:
            while waiting and waiting[-1][0] <= op["begin"]:
                active.append(waiting.pop())
            active = [p for p in active if p[1] > op["begin"]]
            found = {f"{directory}\\{leaf}" for leaf in op["names"]}
            wrong += [(CAME, [p[3].op, op]) for p in active if p[1] >= op["end"] and p[2] not in found]
            wrong += [(WENT, [s.op, op]) for name in sorted(found) for s in spans.get(name, ())
                      if not s.there and s.since <= op["begin"] and op["end"] <= s.until]
    return wrong


def outdated(ops, spans, faults):
    """Yields (cached answer, what it contradicts, whether its client must have heard)."""
    for op in ops:
        if op["op"] != "lookup" or not op.get("cached"):
            continue
        for s in spans.get(op["file"], ()):
            if s.since < op["begin"] <= s.until and s.there != answered(op):
                yield op, s, faults.told(s.since) < op["begin"]


def check(ops, opens, faults):
    spans = spans_by_name(opens, faults)
    wrong = looked_up(ops, spans) + listed(ops, spans)
    for op, s, must_know in outdated(ops, spans, faults):
        if must_know:
            wrong.append(("a lease on a directory was not broken: what it caches is outdated", [s.op, opens[op["open"]].create, op]))
    return wrong


def summary(ops, opens, faults):
    """For the reader of a verdict: how often there was something to judge."""
    cached = [op for op in ops if op["op"] == "lookup" and op.get("cached")]
    late = [(op["begin"] - s.since) / SECOND for op, s, _ in outdated(ops, spans_by_name(opens, faults), faults)]
    leased = [o for o in opens.values() if o.create and o.create.get("directory") and o.create.get("lease")]
    return "leases on directories: %d; %d listings; from caches %d names, %d of them in calm; %d outdated, by %.3f s at most" % (
        len(leased), sum(1 for op in ops if op["op"] == "list"), len(cached), sum(1 for op in cached if faults.calm(op["begin"])),
        len(late), max(late, default=0))
