#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges a chaos run: check.py HISTORY NEMESIS. Prints what was done, and each violation with the lines of the
history that prove it; exits with 1 when there are any, with 2 when the history proves nothing."""
import collections
import json
import sys

sys.dont_write_bytecode = True
import fates
import history
import holds
import names
import registers

SHOWN = 20


def judge(lines, events):
    """Returns (operations, opens, violations); a violation is (sentence, [operations])."""
    ops = history.load(lines)
    faults = history.Faults(events)
    opens = history.opens_of(ops, faults)
    clients = sorted({op["client"] for op in ops if op["op"] != "finish" and not op.get("outside")})
    wrong = registers.check(ops, opens) + holds.check(ops, opens) + fates.check(ops, opens, faults, clients)
    wrong += names.check(ops, opens, faults)
    wrong.sort(key=lambda w: max(op["line"] for op in w[1]) if w[1] else 0)
    return ops, opens, wrong


def summary(ops, opens, events):
    done = collections.Counter(op["op"] for op in ops)
    results = collections.Counter(op["result"] for op in ops)
    persistent = [o for o in opens.values() if o.create and o.persistent]
    yield "faults: %d (%s)" % (len(events), ", ".join(
        f"{n} {k}" for k, n in sorted(collections.Counter(e["fault"] for e in events).items())) or "none")
    yield "operations: %d (%s); %s" % (len(ops), ", ".join(f"{n} {k}" for k, n in sorted(done.items())),
                                       ", ".join(f"{n} {k}" for k, n in sorted(results.items())))
    yield "opens: %d, persistent %d, reclaims %d, refused past their time or after an unknown close %d" % (
        sum(1 for o in opens.values() if o.create), len(persistent),
        sum(1 for op in ops if op["op"] == "reclaim" and op["result"] == "ok"),
        sum(1 for o in persistent if o.lost))
    leased = [o.create["lease"] for o in opens.values() if o.create and o.create.get("lease")]
    yield "leases: %d, to cache writes %d; %d breaks, %d acknowledged; in caches %d writes and %d reads" % (
        len(leased), sum(1 for s in leased if s & history.LEASE_W), done["break"],
        sum(1 for op in ops if op["op"] == "ack" and op["result"] == "ok"),
        sum(1 for op in ops if op["op"] == "write" and op.get("cached")),
        sum(1 for op in ops if op["op"] == "read" and op.get("cached")))
    yield names.summary(ops, opens, history.Faults(events))


def told(op, start):
    """One operation for a reader: seconds since the start, who, where, what, how it went, and the rest."""
    known = ("line", "begin", "end", "client", "node", "conn", "open", "file", "op", "result", "status")
    status = f" {op['status']:#x}" if "status" in op else ""
    where = f" at node {op['node']} (connection {op['conn']})" if "node" in op else ""
    rest = " ".join(f"{k}={v}" for k, v in op.items() if k not in known)
    return (f"line {op['line']}: {(op['begin'] - start) / 1e9:.3f}..{(op['end'] - start) / 1e9:.3f} s {op['client']}{where}"
            f" {op['op']} {op.get('file', '')} open {op.get('open')}: {op['result']}{status} {rest}")


def faults_near(events, proof, start):
    """What was broken when it happened."""
    since, until = min(op["begin"] for op in proof) - 10**9, max(op["end"] for op in proof)
    for e in events:
        if e["begin"] <= until and e["end"] >= since:
            targets = ",".join(map(str, e.get("nodes", ())))
            yield f"{e['fault']} {targets} {(e['begin'] - start) / 1e9:.3f}..{(e['end'] - start) / 1e9:.3f} s"


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: check.py HISTORY NEMESIS")
    try:
        with open(sys.argv[1], encoding="utf-8") as f:
            lines = f.readlines()
        with open(sys.argv[2], encoding="utf-8") as f:
            events = [json.loads(line) for line in f]
        ops, opens, wrong = judge(lines, events)
    except (OSError, ValueError, history.Bad) as e:
        print(f"chaos: {e}")
        sys.exit(2)
    for text in summary(ops, opens, events):
        print(f"chaos: {text}")
    start = min((op["begin"] for op in ops), default=0)
    for sentence, proof in wrong[:SHOWN]:
        print(f"chaos: VIOLATION: {sentence}")
        for op in proof:
            print(f"    {told(op, start)}")
        print(f"    faults meanwhile: {'; '.join(faults_near(events, proof, start)) if proof else ''}")
    for sentence, n in sorted(collections.Counter(w[0] for w in wrong).items()):
        print(f"chaos: {n} x {sentence}")
    print(f"chaos: {len(wrong)} violations")
    if not any(op["result"] == "ok" and op["op"] == "write" for op in ops):
        print("chaos: nothing was written, so this history proves nothing")
        sys.exit(2)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
