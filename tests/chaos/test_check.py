#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves the checker of chaos runs on small histories made by hand: each bad one holds exactly one violation, which
must be found; each good one is as near to it as can be. Also: the same seed gives the same schedule."""
import json
import sys

sys.dont_write_bytecode = True
import check
import nemesis
import schedule

SECOND = 10**9
SHARING_VIOLATION, FILE_NOT_AVAILABLE, NOT_FOUND = 0xC0000043, 0xC0000467, 0xC0000034
UNSUCCESSFUL = 0xC0000001
LOCK_NOT_GRANTED, FILE_CLOSED, RANGE_NOT_LOCKED, FILE_LOCK_CONFLICT = 0xC0000055, 0xC0000128, 0xC000007E, 0xC0000054


class Story:
    """Writes a history; times are in seconds."""

    def __init__(self, faults=()):
        self.ops, self.faults = [], [{"fault": "test", "begin": int(a * SECOND), "end": int(b * SECOND), **more}
                                     for a, b, more in faults]

    def op(self, client, op, begin, end, result="ok", status=None, **more):
        entry = {"client": client, "open": client + ".1", "file": "f", "op": op, "begin": int(begin * SECOND),
                 "end": int(end * SECOND), "result": result, "conn": 1, **more}
        if status:
            entry.update(result="fail", status=status)
        self.ops.append(entry)
        return self

    def create(self, client, begin, end, access="rw", share="rwd", persistent=False, timeout=0, **more):
        return self.op(client, "create", begin, end, access=access, share=share, persistent=persistent,
                       timeout=timeout * SECOND, **more)

    def write(self, client, begin, end, value, result="ok", **more):
        return self.op(client, "write", begin, end, result, offset=0, value=value, **more)

    def read(self, client, begin, end, value, **more):
        return self.op(client, "read", begin, end, offset=0, value=value, **more)

    def lock(self, client, begin, end, op="lock", exclusive=True, offset=0, **more):
        return self.op(client, op, begin, end, offset=offset, length=8, exclusive=exclusive, **more)

    def leased(self, client, begin, end, lease=7, **more):
        return self.create(client, begin, end, lease=lease, breaking=False, **more)

    def broken(self, client, at, before=7, to=3, ack=True):
        return self.op(client, "break", at, at, to=to, ack=ack, **{"from": before})

    def ack(self, client, begin, end, state=3, **more):
        return self.op(client, "ack", begin, end, state=state, **more)

    def close(self, client, begin, end, result="ok", **more):
        return self.op(client, "close", begin, end, result, **more)

    def lookup(self, begin, end, file, found):
        return self.op("eye", "lookup", begin, end, open=None, file=file, outside=True,
                       status=None if found else NOT_FOUND)

    def holder(self, begin, end, client="h", lease=1, **more):
        return self.create(client, begin, end, access="r", file="d", directory=True, lease=lease, breaking=False, **more)

    def listed(self, begin, end, *names, **more):
        return self.op("h", "list", begin, end, file="d", names=list(names), **more)

    def cached(self, at, leaf, found, **more):
        return self.op("h", "lookup", at, at, file=f"d\\{leaf}", cached=True, status=None if found else NOT_FOUND, **more)

    def made(self, begin, end, leaf="n", **more):
        return self.create("a", begin, end, file=f"d\\{leaf}", access="rwd", persistent=True, timeout=200, private=True, **more)

    def moved(self, begin, end, old, new, result="ok"):
        return self.op("a", "rename", begin, end, result, **{"from": f"d\\{old}", "to": f"d\\{new}"})

    def finish(self, *clients, at=500):
        for c in clients:
            self.op(c, "finish", at, at, open=None)
        return self

    def verdict(self):
        return [w[0] for w in check.judge([json.dumps(o) for o in self.ops], self.faults)[2]]


def two(persistent=False, timeout=0, **more):
    """a and b have the same file open."""
    return Story(**more).create("a", 1, 2, persistent=persistent, timeout=timeout).create("b", 1, 2)


def done(story):
    return story.close("a", 90, 91).close("b", 90, 91).finish("a", "b")


def persistent(timeout=10, **more):
    return Story(**more).create("a", 1, 2, persistent=True, timeout=timeout)


def private(**more):
    return Story().create("a", 1, 2, access="rwd", persistent=True, timeout=10, private=True, **more)


def good_registers():
    yield "reads see the last write", done(two().write("a", 3, 4, 1).read("b", 5, 6, 1).write("b", 7, 8, 2).read("a", 9, 10, 2))
    yield "writes at the same time, either order", done(two().write("a", 3, 6, 1).write("b", 3, 6, 2).read("a", 7, 8, 1))
    yield "a read during a write gives either", done(two().write("a", 3, 9, 1).read("b", 4, 5, 0).read("b", 6, 7, 1))
    yield "an unknown write never happened", done(two().write("a", 3, 4, 1, "unknown").read("b", 5, 6, 0))
    yield "an unknown write happened late", done(two().write("a", 3, 4, 1, "unknown").write("b", 5, 6, 2)
                                                 .read("b", 7, 8, 2).read("b", 9, 10, 1))


def bad_registers():
    yield "a write was lost", done(two().write("a", 3, 4, 1).read("b", 5, 6, 0))
    yield "a write was lost", done(two().write("a", 3, 4, 1).write("a", 5, 6, 2).read("b", 7, 8, 1))
    yield "current at the same time", done(two().write("a", 3, 6, 1).write("b", 3, 6, 2).read("a", 7, 8, 1)
                                           .read("b", 9, 10, 2).read("b", 11, 12, 1))
    yield "what nobody wrote", done(two().read("a", 3, 4, 7))
    yield "what was refused", done(two().write("a", 3, 4, 1, status=0xC000007F).read("b", 5, 6, 1))
    yield "before its write began", done(two().read("a", 3, 4, 1).write("b", 5, 6, 1))
    # The open was taken over, so that its former I/O had ended: it cannot come afterwards.
    yield "current at the same time", done(persistent().create("b", 1, 2).write("a", 3, 4, 1, "unknown")
                                           .op("a", "reclaim", 5, 6, conn=2).write("a", 7, 8, 2, conn=2)
                                           .read("b", 9, 10, 2).read("b", 11, 12, 1))


def good_holds():
    yield "exclusive one after the other", Story().create("a", 1, 2, share="").close("a", 3, 4).create(
        "b", 3, 5, share="").close("b", 6, 7).finish("a", "b")
    yield "a persistent open is over after its time", Story().create("a", 1, 2, share="", persistent=True, timeout=10).create(
        "b", 14, 15, share="").close("b", 16, 17).op("a", "reclaim", 20, 21, status=NOT_FOUND).finish("a", "b")
    yield "an ordinary open may be over when its client hears no more", Story().create("a", 1, 2, share="").op(
        "a", "drop", 3, 3).create("b", 4, 5, share="").close("b", 6, 7).finish("a", "b")
    yield "locks beside each other", done(two().lock("a", 3, 4).lock("b", 3, 4, offset=8))
    yield "shared locks", done(two().lock("a", 3, 4, exclusive=False).lock("b", 3, 4, exclusive=False))
    yield "a lock that somebody may have is refused", done(two().lock("a", 3, 4, result="unknown").lock(
        "b", 5, 6, status=LOCK_NOT_GRANTED))
    yield "an open that somebody may have is refused", Story().create("a", 1, 2, share="", result="unknown").create(
        "b", 3, 4, status=SHARING_VIOLATION).finish("a", "b")
    yield "a disconnected open keeps all out", persistent().create("b", 5, 6, status=FILE_NOT_AVAILABLE).op(
        "a", "reclaim", 7, 8, conn=2).close("a", 9, 10).finish("a", "b")
    yield "one's own shared lock denies a write", done(two().lock("a", 3, 4, exclusive=False).write(
        "a", 5, 6, 1, status=FILE_LOCK_CONFLICT))
    yield "a write beside a lock", done(two().lock("a", 3, 4, offset=8).write("b", 5, 6, 1))


def bad_holds():
    yield "held a share mode", Story().create("a", 1, 2, share="").create("b", 3, 4, share="").close("a", 5, 6).close(
        "b", 5, 6).finish("a", "b")
    yield "held a share mode", Story().create("a", 1, 2, access="rw").create("b", 3, 4, access="r", share="r").close(
        "a", 5, 6).close("b", 5, 6).finish("a", "b")
    # Disconnected, but its time is not over.
    yield "held a share mode", Story().create("a", 1, 2, share="", persistent=True, timeout=10).create(
        "b", 8, 9, share="").close("b", 10, 10.5).op("a", "reclaim", 20, 21, status=NOT_FOUND).finish("a", "b")
    # An ordinary open that still worked afterwards.
    yield "held a share mode", Story().create("a", 1, 2, share="").create("b", 3, 4, share="").write(
        "a", 5, 6, 1).op("a", "drop", 7, 7).close("b", 8, 9).finish("a", "b")
    yield "held a byte-range lock", done(two().lock("a", 3, 4).lock("b", 5, 6))
    yield "held a byte-range lock", done(two().lock("a", 3, 4, exclusive=False).lock("b", 5, 6))
    yield "its unlock was refused", done(two().lock("a", 3, 4).lock("a", 5, 6, op="unlock", status=RANGE_NOT_LOCKED))
    yield "refused for a share mode that nobody", Story().create("a", 1, 2, share="").close("a", 3, 4).create(
        "b", 5, 6, status=SHARING_VIOLATION).finish("a", "b")
    yield "refused for a share mode that nobody", Story().create("a", 1, 2).create(
        "b", 5, 6, status=FILE_NOT_AVAILABLE).close("a", 7, 8).finish("a", "b")
    yield "refused for a byte-range lock that nobody", done(two().lock("a", 3, 4).lock("a", 5, 6, op="unlock").write(
        "b", 7, 8, 1, status=FILE_LOCK_CONFLICT))
    yield "refused for a byte-range lock that nobody", done(two().lock("a", 3, 4).lock("a", 5, 6, op="unlock").lock(
        "b", 7, 8, status=LOCK_NOT_GRANTED))
    yield "through another open's exclusive lock", done(two().lock("a", 3, 4).write("b", 5, 6, 1))


def good_fates():
    # The look at the end begins when the clients have ended.
    yield "the look at the end takes its time", Story(faults=[(3, 4, {})]).create("a", 1, 2).close("a", 5, 6).finish(
        "a", at=7).op("final", "finish", 100, 100, open=None, final=True)
    yield "given back", persistent().write("a", 3, 4, 1, "unknown").op("a", "reclaim", 5, 6, conn=2).close(
        "a", 7, 8).finish("a")
    yield "refused after its time", persistent().op("a", "reclaim", 15, 16, status=NOT_FOUND).finish("a")
    yield "refused after a close without an answer", persistent().close("a", 3, 4, "unknown").op(
        "a", "reclaim", 5, 6, status=NOT_FOUND).finish("a")
    yield "refused early by a clock that is ahead", persistent(faults=[(0, 3, {"skew": 2 * SECOND})]).op(
        "a", "reclaim", 9, 10, status=NOT_FOUND).finish("a", at=20)
    yield "names come and go", private(delete_on_close=True).lookup(3, 4, "f", True).op(
        "a", "rename", 5, 6, **{"from": "f", "to": "g"}).lookup(7, 8, "f", False).lookup(7, 8, "g", True).close(
            "a", 9, 10).lookup(11, 12, "g", False).finish("a")
    yield "a rename without an answer", private().op("a", "rename", 3, 4, "unknown", **{"from": "f", "to": "g"}).lookup(
        5, 6, "f", True).close("a", 7, 8).finish("a")


def bad_fates():
    yield "not given back", persistent().op("a", "reclaim", 5, 6, status=NOT_FOUND).finish("a")
    yield "vanished while its connection lived", Story().create("a", 1, 2).write("a", 3, 4, 1).write(
        "a", 5, 6, 2, status=FILE_CLOSED).op("a", "drop", 7, 7).finish("a")
    yield "a name is not there", private().lookup(3, 4, "f", False).close("a", 5, 6).finish("a")
    yield "a name is there", private().op("a", "rename", 5, 6, **{"from": "f", "to": "g"}).lookup(
        7, 8, "f", True).close("a", 9, 10).finish("a")
    yield "a name is there", private(delete_on_close=True).close("a", 3, 4).lookup(5, 6, "f", True).finish("a")
    # Nobody came back for it, and its time is long over.
    yield "a name is there", private(delete_on_close=True).op("a", "reclaim", 99, 100, status=NOT_FOUND).lookup(
        150, 151, "f", True).finish("a")
    yield "never came to its end", Story(faults=[(3, 4, {})]).create("a", 1, 2).close("a", 5, 6)
    yield "came to its end only", Story(faults=[(3, 4, {})]).create("a", 1, 2).close("a", 5, 6).finish("a", at=100)
    yield "got no answer long after", Story(faults=[(3, 4, {})]).create("a", 1, 2).close("a", 5, 6).op(
        "b", "create", 100, 101, "unknown", access="r", share="rwd").finish("a", "b", at=20)
    yield "cannot be opened alone", Story().create("a", 1, 2, share="", status=SHARING_VIOLATION, final=True).create(
        "b", 0, 3).close("b", 4, 5).finish("a", "b")
    yield "neither closed nor refused", persistent().finish("a")


def good_leases():
    yield "an open waits for the break of a lease", done(Story().leased("a", 1, 2).write("a", 3, 3, 1, cached=True).broken(
        "a", 5).ack("a", 6, 7).create("b", 4, 7).read("b", 8, 9, 1))
    yield "a break that is never acknowledged", done(Story().leased("a", 1, 2).broken("a", 5).create("b", 4, 41))
    yield "shared caching", done(Story().leased("a", 1, 2, lease=3).leased("b", 1, 2, lease=3))
    yield "the lease of an ordinary open goes with its connection", Story().leased("a", 1, 2).write(
        "a", 3, 3, 1, "unknown", cached=True).op("a", "drop", 9, 9).create("b", 4, 5).read("b", 6, 7, 0).close(
            "b", 8, 9).finish("a", "b")
    yield "a lease comes back", Story().leased("a", 1, 2, persistent=True, timeout=10).op(
        "a", "reclaim", 5, 6, conn=2, lease=7, breaking=False).write("a", 7, 7, 1, cached=True, conn=2).close(
            "a", 8, 9).create("b", 8, 9).close("b", 10, 11).finish("a", "b")
    yield "a break meets its open's close", Story().leased("a", 1, 2).close("a", 3, 6).broken("a", 4).ack(
        "a", 4, 5, status=NOT_FOUND).finish("a")
    yield "a break is acknowledged during the close", Story().leased("a", 1, 2, persistent=True, timeout=50).close("a", 3, 6).broken(
        "a", 4).ack("a", 4, 5).create("b", 7, 8, share="").close("b", 9, 10).finish("a", "b")
    yield "reads alone are taken back unheard", Story().leased("a", 1, 2, lease=1, persistent=True, timeout=10).create(
        "b", 1, 2).write("b", 3, 4, 1).op("a", "reclaim", 5, 6, conn=2, lease=0, breaking=False).close("a", 8, 9).close(
            "b", 8, 9).finish("a", "b")
    yield "a break that began while its client was away", Story().leased("a", 1, 2, persistent=True, timeout=10).op(
        "a", "reclaim", 5, 6, conn=2, lease=7, breaking=True).broken("a", 6.5).ack("a", 7, 8).create("b", 3, 8).close(
            "a", 9, 10).close("b", 9, 10).finish("a", "b")
    yield "a lease is gone when its break was not acknowledged", Story().leased("a", 1, 2, persistent=True, timeout=50).broken(
        "a", 3).op("a", "reclaim", 45, 46, conn=2, lease=0, breaking=False).close("a", 47, 48).finish("a")
    yield "an acknowledgement comes too late", Story().leased("a", 1, 2).broken("a", 3).write("a", 36, 37, 1).ack(
        "a", 40, 41, status=UNSUCCESSFUL).close("a", 42, 43).create("b", 4, 38).close("b", 44, 45).finish("a", "b")


def bad_leases():
    yield "held a lease to cache writes", done(Story().leased("a", 1, 2).create("b", 3, 4).broken("a", 5).ack("a", 6, 7))
    yield "held a lease to cache writes", done(Story().leased("a", 1, 2).leased("b", 3, 4, lease=1).write("a", 5, 6, 1))
    # Its client is away, and its time is not over.
    yield "held a lease to cache writes", Story().leased("a", 1, 2, persistent=True, timeout=10).create("b", 5, 6).close(
        "b", 7, 8).op("a", "reclaim", 20, 21, status=NOT_FOUND).finish("a", "b")
    yield "a write was lost", done(Story().leased("a", 1, 2).write("a", 3, 3, 1, cached=True).broken("a", 4).ack(
        "a", 5, 6).create("b", 4, 6).read("b", 7, 8, 0))
    # The cache said it, but another client had written.
    yield "a write was lost", done(Story().leased("a", 1, 2).broken("a", 3).ack("a", 4, 5).create("b", 3, 5).write(
        "b", 6, 7, 1).read("a", 8, 8, 0, cached=True))
    yield "not given back with its open", Story().leased("a", 1, 2, persistent=True, timeout=10).op(
        "a", "reclaim", 5, 6, conn=2, lease=3, breaking=False).close("a", 8, 9).finish("a")
    yield "its break was refused", Story().leased("a", 1, 2).broken("a", 3).ack("a", 4, 5, status=UNSUCCESSFUL).close(
        "a", 8, 9).finish("a")


def directory(faults=()):
    """h has the directory listed with one file of a in it."""
    return Story(faults=faults).made(1, 2).holder(3, 4).listed(5, 6, "n")


def left(story):
    return story.close("a", 60, 61).close("h", 62, 63).finish("a", "h", at=64)


def good_directories():
    yield "a listing as it is", left(directory().cached(50, "n", True).cached(50, "m", False))
    yield "a change that is hardly over is not heard of yet", left(directory().moved(10, 11, "n", "m").cached(
        13, "n", True).cached(13, "m", False).op("h", "break", 13.5, 13.5, file="d", to=0, ack=False, **{"from": 1}))
    yield "the news waits for the end of a fault", left(directory([(12, 20, {})]).moved(10, 11, "n", "m").cached(27, "n", True))
    yield "the news waits for a fault that begins after one", left(directory([(10, 12, {}), (19, 22, {})]).moved(
        10, 11, "n", "m").cached(29, "m", False))
    yield "a rename that may have been done", left(directory().moved(10, 11, "n", "m", "unknown").cached(
        100, "n", True).cached(50, "m", False))
    yield "a rename that is on its way", left(directory().moved(10, 55, "n", "m").cached(50, "n", True))
    yield "listed again after the break", left(directory().moved(10, 11, "n", "m").op(
        "h", "break", 12, 12, file="d", to=0, ack=False, **{"from": 1}).listed(13, 14, "m").cached(50, "m", True))
    yield "what its holder did under its key it knows", left(directory().moved(10, 11, "n", "m").cached(
        11.5, "m", True).cached(11.5, "n", False).cached(50, "m", True))
    yield "listed while it changes", left(directory().moved(10, 13, "n", "m").listed(11, 12, "n", "m").listed(9.5, 14))


def bad_directories():
    word = "a lease on a directory was not broken"
    yield word, left(directory().moved(10, 11, "n", "m").cached(15, "n", True))
    yield word, left(directory().moved(10, 11, "n", "m").cached(15, "m", False))
    yield word, left(directory().made(10, 11, "m", open="a.2").cached(15, "m", False).close("a", 60, 61, open="a.2"))
    yield word, left(Story().made(1, 2, delete_on_close=True).holder(3, 4).listed(5, 6, "n").close("a", 7, 8).cached(12, "n", True))
    # It began while a node was away, and has been back for long.
    yield word, left(directory([(9, 12, {})]).moved(10, 11, "n", "m").cached(21, "n", True))
    # The faults leave enough time between them.
    yield word, left(directory([(9, 12, {}), (21, 30, {})]).moved(10, 11, "n", "m").cached(29, "n", True))
    # The lease came back with its open, although the directory had changed meanwhile.
    yield word, left(directory().moved(10, 11, "n", "m").op(
        "h", "reclaim", 13, 14, file="d", conn=2, lease=1, breaking=False).cached(16, "n", True, conn=2))
    yield "a name is not there", left(directory().listed(7, 8))
    yield "a name is there", left(directory().moved(10, 11, "n", "m").listed(12, 13, "n", "m"))


def judge(good, bad):
    failed = 0
    for name, story in good:
        wrong = story.verdict()
        if wrong:
            failed += 1
            print(f"test_check: a good history is called bad: {name}: {wrong}")
    for word, story in bad:
        wrong = story.verdict()
        if len(wrong) != 1 or word not in wrong[0]:
            failed += 1
            print(f"test_check: expected one violation '... {word} ...', got {wrong}")
    return failed


def schedules():
    failed = 0
    for store in ("lmdb", "rados"):
        one, same, other = (schedule.make(s, 3600, 5, store) for s in (7, 7, 8))
        names = {e["fault"] for e in one}
        if one != same or one == other or names != set(schedule.names_for(store)):
            failed += 1
            print(f"test_check: the schedule of a seed on {store} is not what it must be")
    if set(schedule.FAULTS) != set(nemesis.BEGIN):
        failed += 1
        print("test_check: schedule and nemesis know different faults")
    return failed


def main():
    good = [g for make in (good_registers, good_holds, good_fates, good_leases, good_directories) for g in make()]
    bad = [b for make in (bad_registers, bad_holds, bad_fates, bad_leases, bad_directories) for b in make()]
    failed = judge(good, bad) + schedules()
    print(f"test_check: {len(good)} good histories, {len(bad)} bad ones, {failed} failures")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
