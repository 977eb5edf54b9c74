# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of opens and clients.

  reclaim   a persistent open is given back until its deadline, unless its client may have closed it
  gone      an open does not vanish while its connection lives
  leases    a persistent open that is given back has its lease back, and a break can be acknowledged in time
  stuck     after the last fault is healed every client is served again, and nobody waits for ever"""
from history import BREAK_TIME, contact, FILE_CLOSED, LATE, LEASE_R, NOT_FOUND, SECOND

BOUND = 70 * SECOND  # from the last heal to the end of the last client's last operation


def reclaims(opens, faults):
    wrong = []
    for o in opens.values():
        last_ok, closing = None, None
        for op in o.ops:
            if contact(op):
                if not last_ok or op["begin"] >= last_ok["begin"]:
                    last_ok, closing = op, None
            elif op["op"] == "close":
                closing = op
            elif op["op"] == "reclaim" and op.get("status") == NOT_FOUND and last_ok and not closing:
                if op["end"] < last_ok["begin"] + max(0, o.timeout - faults.slack):
                    wrong.append(("a persistent open was not given back although its time was not over",
                                  [o.create, last_ok, op]))
    return wrong


def gone(opens):
    wrong = []
    for o in opens.values():
        last_ok = closing = None
        for op in o.ops:
            closing = op if op["op"] == "close" and op["result"] == "unknown" else closing
            if contact(op):
                last_ok = op
            elif op.get("status") == FILE_CLOSED and last_ok and not closing and last_ok.get("conn") == op.get("conn"):
                wrong.append(("an open vanished while its connection lived", [o.create, last_ok, op]))
                break
    return wrong


UNSUCCESSFUL = 0xC0000001


def leases(opens):
    """A lease ends by its client or when a break was not acknowledged in time; the break may have begun LATE before its client
    heard of it. Reads alone are taken back without an acknowledgement (MS-SMB2 3.3.4.7), so maybe unheard by who is away."""
    wrong = []
    for o in opens.values():
        if not o.create or "lease" not in o.create:
            continue
        # What its client has for certain; the break that it was told of, until an acknowledgement was taken.
        state, last, told, closing = o.create["lease"], o.create, None, False
        for op in o.ops:
            closing = (closing or op["op"] == "close") and not contact(op)
            if op["op"] == "break":
                state = 0 if op["ack"] else op["to"]
                told = None if told else op  # told again: one acknowledgement is enough
            elif op["op"] == "ack" and op["result"] == "ok":
                state, told = op["state"], None
            elif op["op"] == "ack" and not closing:
                if (op.get("status") in (UNSUCCESSFUL, NOT_FOUND) and told and told.get("conn") == op.get("conn")
                        and op["end"] < told["begin"] + BREAK_TIME - 2 * LATE):
                    wrong.append(("a lease was lost: the acknowledgement of its break was refused", [o.create, told, op]))
            elif op["op"] == "reclaim" and op["result"] == "ok":
                if state != LEASE_R and state & ~op["lease"] and op["end"] < last["begin"] + BREAK_TIME - 2 * LATE:
                    wrong.append(("a lease was not given back with its open", [o.create, last, op]))
                state, told = 0 if op["breaking"] else op["lease"], None
            if contact(op) and op["begin"] > last["begin"]:
                last = op
    return wrong


def stuck(ops, opens, faults, clients):
    wrong, limit = [], faults.healed + BOUND
    finished = {op["client"]: op for op in ops if op["op"] == "finish" and op["result"] == "ok"}
    for client in clients:
        if client not in finished:
            mine = [op for op in ops if op["client"] == client]
            wrong.append((f"the client {client} never came to its end", mine[-1:]))
    for op in ops:
        if op["op"] == "finish" and op["end"] > limit and not op.get("final"):
            wrong.append((f"the client {op['client']} came to its end only"
                          f" {(op['end'] - faults.healed) / SECOND:.0f} s after the last heal", [op]))
        elif op["begin"] > limit and op["result"] == "unknown":
            wrong.append(("an operation got no answer long after the last heal", [op]))
        elif op.get("final") and op["result"] != "ok":
            wrong.append(("at the end, when all have closed, a file cannot be opened alone or read", [op]))
    for o in opens.values():
        if o.create and o.persistent and not (o.closed or o.lost):
            ended = finished.get(o.create["client"])
            if ended:
                wrong.append(("a client ended with an open neither closed nor refused", [o.create, o.ops[-1]]))
    return wrong


def check(ops, opens, faults, clients):
    return reclaims(opens, faults) + gone(opens) + leases(opens) + stuck(ops, opens, faults, clients)
