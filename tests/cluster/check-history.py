#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides whether a history of file operations is one that a correct server could have given.

A history is a file of JSON objects, one per line, one per finished operation of a client:
  client  who asked; open  the handle it used (any string, unique per open for its whole life,
          which a reclaim continues); file  the name
  op      "write" and "read" of one cell: offset, value (an integer; read: what came back)
          "lock", "unlock": offset, length, exclusive
          "close"; "lost": the client learned that its handle cannot be reclaimed
  begin, end  CLOCK_MONOTONIC of this machine in nanoseconds: request sent, answer taken
  result  "ok", "fail" (the server refused) or "unknown" (no answer: it may have happened)

What must hold:
  1. Each cell is written by one client, with growing values. A read that began after a write was
     acknowledged gives that value or a newer one: no acknowledged write is lost, nothing is stale.
  2. A read gives nothing that was refused, nor what nobody had begun to write.
  3. At no moment do two opens hold locks that exclude each other. A lock is held from its answer to
     the moment its unlock or its open's close was sent; one whose open was lost, to the last
     operation that the open is known to have done.
"""
import collections
import json
import sys


class Bad(Exception):
    pass


def load(lines):
    ops = []
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line:
            continue
        try:
            op = json.loads(line)
            op["begin"], op["end"] = int(op["begin"]), int(op["end"])
            if op["op"] not in ("write", "read", "lock", "unlock", "close", "lost"):
                raise ValueError("unknown op")
            if op["result"] not in ("ok", "fail", "unknown"):
                raise ValueError("unknown result")
            if op["end"] < op["begin"]:
                raise ValueError("ends before it begins")
        except (ValueError, KeyError, TypeError) as e:
            raise Bad(f"line {number}: not an operation: {e}") from e
        op["line"] = number
        ops.append(op)
    return ops


def check_cells(ops):
    """Rules 1 and 2; returns sentences."""
    writes, reads, wrong = collections.defaultdict(list), collections.defaultdict(list), []
    for op in ops:
        if op["op"] in ("write", "read"):
            cell = (op["file"], op["offset"])
            (writes if op["op"] == "write" else reads)[cell].append(op)
    for cell, ws in writes.items():
        ws.sort(key=lambda w: w["begin"])
        if len({w["client"] for w in ws}) > 1:
            raise Bad(f"cell {cell} is written by several clients")
        for a, b in zip(ws, ws[1:]):
            if b["value"] <= a["value"]:
                raise Bad(f"line {b['line']}: values written to cell {cell} do not grow")
    for cell, rs in reads.items():
        ws = writes.get(cell, [])
        known = {w["value"]: w for w in ws}
        acked = sorted((w["end"], w["value"]) for w in ws if w["result"] == "ok")
        rs = sorted((r for r in rs if r["result"] == "ok"), key=lambda r: r["begin"])
        i, floor = 0, 0
        for r in rs:
            while i < len(acked) and acked[i][0] < r["begin"]:
                floor = max(floor, acked[i][1])
                i += 1
            v, w = r["value"], known.get(r["value"])
            where = f"line {r['line']}: {r['client']} read {v} from {cell[0]} at {cell[1]}"
            if v < floor:
                wrong.append(f"{where}, but {floor} had been acknowledged before")
            elif v != 0 and w is None:
                wrong.append(f"{where}, which nobody ever wrote")
            elif w is not None and w["result"] == "fail":
                wrong.append(f"{where}, but that write was refused")
            elif w is not None and w["begin"] > r["end"]:
                wrong.append(f"{where}, before its write had begun")
    return wrong


def held(ops):
    """Intervals in which locks were held for certain."""
    by_open = collections.defaultdict(list)
    for op in ops:
        by_open[(op["client"], op["open"])].append(op)
    spans = []
    for who, mine in by_open.items():
        mine.sort(key=lambda o: o["begin"])
        locks = []
        last_ok = 0
        for op in mine:
            if op["op"] == "lock" and op["result"] == "ok":
                locks.append([op, None])
            elif op["op"] == "unlock":
                for entry in locks:
                    lock = entry[0]
                    if entry[1] is None and (lock["offset"], lock["length"]) == (op["offset"], op["length"]):
                        entry[1] = op["begin"]
                        break
            elif op["op"] == "close":
                for entry in locks:
                    entry[1] = op["begin"] if entry[1] is None else entry[1]
            elif op["op"] == "lost":
                for entry in locks:
                    entry[1] = last_ok if entry[1] is None else entry[1]
            if op["result"] == "ok" and op["op"] != "lost":
                last_ok = max(last_ok, op["end"])
        for lock, end in locks:
            spans.append((lock["end"], last_ok if end is None else end, lock, who))
    return [s for s in spans if s[0] < s[1]]


def check_locks(ops):
    """Rule 3; returns sentences."""
    wrong, by_file = [], collections.defaultdict(list)
    for span in held(ops):
        by_file[span[2]["file"]].append(span)
    for spans in by_file.values():
        spans.sort(key=lambda s: s[0])
        active = []
        for span in spans:
            active = [a for a in active if a[1] > span[0]]
            for a in active:
                x, y = a[2], span[2]
                if a[3] == span[3] or not (x["exclusive"] or y["exclusive"]):
                    continue
                if x["offset"] < y["offset"] + y["length"] and y["offset"] < x["offset"] + x["length"]:
                    wrong.append(
                        f"line {y['line']}: {y['client']} was given a lock on {y['file']} at {y['offset']}"
                        f" while {x['client']} (line {x['line']}) held one")
            active.append(span)
    return wrong


def check(lines):
    ops = load(lines)
    return ops, check_cells(ops) + check_locks(ops)


def self_test():
    def line(op, begin, end, result="ok", client="a", **more):
        base = {"client": client, "open": client, "file": "f", "op": op, "begin": begin, "end": end,
                "result": result, "offset": 0}
        return json.dumps({**base, **more})

    def lock(begin, end, client, result="ok", op="lock", exclusive=True, offset=0):
        return line(op, begin, end, result, client, length=8, exclusive=exclusive, offset=offset)

    good = [
        [line("write", 1, 2, value=1), line("read", 3, 4, client="b", value=1)],
        [line("write", 1, 9, value=1), line("read", 3, 4, client="b", value=0)],
        [line("write", 1, 9, value=1), line("read", 3, 4, client="b", value=1)],
        [line("write", 1, 2, value=1), line("write", 3, 4, "unknown", value=2), line("read", 5, 6, value=1)],
        [line("write", 1, 2, value=1), line("write", 3, 4, "unknown", value=2), line("read", 5, 6, value=2)],
        [lock(1, 2, "a"), lock(3, 4, "a", op="unlock"), lock(3, 5, "b")],
        [lock(1, 2, "a"), lock(3, 4, "b", offset=8), line("read", 9, 10, value=0)],
        [lock(1, 2, "a", exclusive=False), lock(3, 4, "b", exclusive=False), line("read", 9, 10, value=0)],
        [lock(1, 2, "a"), line("read", 2, 3, value=0), lock(5, 6, "b"), line("lost", 7, 8),
         line("read", 7, 9, client="b", value=0)],
    ]
    bad = [
        [line("write", 1, 2, value=1), line("read", 3, 4, client="b", value=0)],
        [line("write", 1, 2, value=1), line("write", 3, 4, value=2), line("read", 5, 6, value=1)],
        [line("write", 1, 2, value=1), line("read", 3, 4, value=7)],
        [line("write", 1, 2, "fail", value=1), line("read", 3, 4, value=1)],
        [line("read", 1, 2, value=1), line("write", 3, 4, value=1)],
        [lock(1, 2, "a"), lock(3, 4, "b"), line("read", 5, 6, value=0), line("read", 5, 6, value=0, client="b")],
        [lock(1, 2, "a"), lock(3, 4, "b", exclusive=False), line("close", 5, 6), line("close", 5, 6, client="b")],
        [lock(1, 2, "a"), line("read", 5, 6, value=0), lock(3, 4, "b"), line("lost", 7, 8),
         line("read", 7, 9, client="b", value=0)],
    ]
    for history in good:
        assert not check(history)[1], (history, check(history)[1])
    for history in bad:
        assert check(history)[1], history
    print(f"check-history: {len(good)} good and {len(bad)} bad histories told apart")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) < 2:
        sys.exit("usage: check-history.py FILE... | --self-test")
    lines = []
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as f:
            lines += f
    try:
        ops, wrong = check(lines)
    except Bad as e:
        sys.exit(f"check-history: {e}")
    for sentence in wrong[:20]:
        print(f"check-history: {sentence}")
    count = collections.Counter(f"{o['op']} {o['result']}" for o in ops)
    print("check-history:", ", ".join(f"{n} {k}" for k, n in sorted(count.items())) or "empty",
          f"-> {len(wrong)} violations")
    if not any(o["result"] == "ok" for o in ops):
        sys.exit("check-history: nothing succeeded, so this history proves nothing")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
