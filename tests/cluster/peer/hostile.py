#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that lies: malformed, truncated, oversized and replayed messages, before and after it has
signed in. After each lie an honest client, connected all the time, must be served as before."""
import argparse
import os
import random
import socket
import struct
import sys
import time

import smb2

args = None


class Honest:
    """Is served, or the test fails."""

    def __init__(self):
        self.client = connect()
        self.fid, _ = self.client.create("honest")
        self.count = 0

    def check(self, after):
        self.count += 1
        data = struct.pack("<Q", self.count)
        try:
            self.client.write(self.fid, 0, data)
            got = self.client.read(self.fid, 0, 8)
        except (smb2.Gone, smb2.Status) as e:
            raise AssertionError(f"the honest client was not served after {after}: {e}") from e
        assert got == data, f"the honest client read something else after {after}"


def connect():
    name, _, password = args.user.partition("%")
    return smb2.Client(args.server, args.share, name, password, timeout=5)


def header(command, message=0, credit_charge=1, flags=0, following=0, size=64, session=0, tree=0):
    return b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ", size, credit_charge, 0, command, 1, flags, following, message, 0,
                                    tree, session) + bytes(16)


def framed(pdu, length=None):
    return struct.pack(">I", len(pdu) if length is None else length) + pdu


def raw(data, wait=0.05, keep=False):
    """Sends bytes over a new connection, takes what comes back within `wait`."""
    s = socket.create_connection(tuple_of(args.server), 5)
    try:
        s.sendall(data)
        s.settimeout(wait)
        try:
            got = s.recv(65536)
        except OSError:
            got = None
        if keep:
            return s
        return got
    except OSError:
        return None
    finally:
        if not keep:
            s.close()


def tuple_of(server):
    host, _, port = server.partition(":")
    return host, int(port or 445)


NEGOTIATE_BODY = struct.pack("<HHHHI", 36, 1, 1, 0, 0x7F) + bytes(16) + bytes(8) + struct.pack("<H", 0x0302)


def negotiate_311():
    preauth = struct.pack("<HHI", 1, 38, 0) + struct.pack("<HHH", 1, 32, 1) + os.urandom(32) + bytes(2)
    cipher = struct.pack("<HHI", 2, 4, 0) + struct.pack("<HH", 1, 2) + bytes(4)
    signing = struct.pack("<HHI", 8, 4, 0) + struct.pack("<HH", 1, 2)
    body = struct.pack("<HHHHI", 36, 1, 1, 0, 0x7F) + bytes(16) + struct.pack("<IHH", 104, 3, 0)
    return body + struct.pack("<H", 0x0311) + bytes(2) + preauth + cipher + signing


def lies_before_authentication():
    good = header(0) + NEGOTIATE_BODY
    yield "an empty frame", framed(b"")
    yield "a frame of 16 MiB that never comes", framed(b"", 0xFFFFFF)
    yield "a frame type that is none", struct.pack(">I", 0x81000048) + bytes(72)
    yield "random bytes", os.urandom(4096)
    yield "an HTTP request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "half a header", framed(good[:30])
    yield "a header alone", framed(header(0))
    yield "an SMB1 negotiate of nothing", framed(b"\xffSMBr" + bytes(27) + b"\0\0\0")
    yield "an SMB1 negotiate that ends in a name", framed(b"\xffSMBr" + bytes(27) + b"\0\x0c\0\x02SMB 2.0")
    yield "an SMB1 command", framed(b"\xffSMB\x75" + bytes(60))
    yield "an unknown dialect", framed(good[:-2] + struct.pack("<H", 0x0999))
    yield "no dialect", framed(header(0) + struct.pack("<HHHHI", 36, 0, 1, 0, 0x7F) + bytes(24))
    yield "65535 dialects", framed(header(0) + struct.pack("<HHHHI", 36, 65535, 1, 0, 0x7F) + bytes(24))
    yield "two negotiates", framed(good) + framed(header(0, 1) + NEGOTIATE_BODY)
    yield "a read before negotiating", framed(header(8) + bytes(49))
    yield "a session setup before negotiating", framed(header(1) + bytes(25))
    yield "a tree connect before a session", framed(good) + framed(header(3, 1) + struct.pack("<HHHH", 9, 0, 72, 0))
    yield "a garbage token", framed(good) + framed(
        header(1, 1) + struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, 100, 0) + os.urandom(100))
    yield "a token outside", framed(good) + framed(
        header(1, 1) + struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 60000, 60000, 0) + bytes(10))
    yield "an encrypted message of nobody", framed(b"\xfdSMB" + os.urandom(16) + bytes(16) + struct.pack(
        "<IHHQ", 64, 0, 1, 12345) + os.urandom(64))
    yield "a short transform header", framed(b"\xfdSMB" + bytes(20))
    yield "a compressed message", framed(b"\xfcSMB" + struct.pack("<IHHI", 0xFFFFFFFF, 1, 0, 0) + bytes(64))
    for what, pdu in (("negotiate", good), ("negotiate 3.1.1", header(0) + negotiate_311())):
        for cut in range(0, len(pdu), 3):
            yield f"{what} cut at {cut}", framed(pdu[:cut])
        for at in range(4, len(pdu)):
            yield f"{what} with byte {at} wrong", framed(pdu[:at] + bytes([pdu[at] ^ 0xFF]) + pdu[at + 1:])


def requests(client, fid):
    """One good body for each command, file id included."""
    name = smb2.utf16("hostile")
    dh2q = struct.pack("<IHHHHI", 0, 16, 4, 0, 24, 32) + b"DH2Q" + bytes(4) + bytes(16) + os.urandom(16)
    create = struct.pack("<HBBIQQIIIIIHHII", 57, 0, 0, 2, 0, 0, 0xC0000000, 0x80, 7, 3, 0, 120, len(name), 136,
                         len(dh2q)) + name + bytes(2) + dh2q
    info = struct.pack("<HBBIHHIII", 41, 1, 18, 4096, 104, 0, 0, 0, 0) + fid
    rename = bytes(16) + struct.pack("<I", 8) + smb2.utf16("moved")[:8]
    return {
        smb2.TREE_CONNECT: struct.pack("<HHHH", 9, 0, 72, 40) + smb2.utf16("\\\\127.0.0.1\\data-x-y")[:40],
        smb2.CREATE: create,
        smb2.FLUSH: struct.pack("<HHI", 24, 0, 0) + fid,
        smb2.READ: struct.pack("<HBBIQ", 49, 80, 0, 100, 0) + fid + bytes(16) + b"\0",
        smb2.WRITE: struct.pack("<HHIQ", 49, 112, 8, 0) + fid + bytes(16) + b"12345678",
        smb2.LOCK: struct.pack("<HHI", 48, 1, 0) + fid + struct.pack("<QQII", 1000, 8, 0x12, 0),
        11: struct.pack("<HHI", 57, 0, 0x001401FC) + b"\xff" * 16 + struct.pack("<IIIIIIII", 120, 0, 0, 120, 0, 4096, 1, 0),
        13: struct.pack("<HH", 4, 0),
        14: struct.pack("<HBBI", 33, 37, 0, 0) + fid + struct.pack("<HHI", 96, 2, 4096) + smb2.utf16("*"),
        16: info,
        smb2.SET_INFO: struct.pack("<HBBIHHI", 33, 1, 10, len(rename), 96, 0, 0) + fid + rename,
    }


def lies_after_authentication(honest):
    """Each byte of each command, then lengths; signed, so that they get to the decoders."""
    client, fid = connect(), None
    done = 0
    for command in list(requests(client, bytes(16))):
        at, cut = 0, 0
        while True:
            if not client.sock:
                client = connect()
                fid = None
            if fid is None:
                fid, _ = client.create("hostile")
            body = requests(client, fid)[command]
            if at < len(body):
                value = random.choice((0xFF, 0x80, 0x01, body[at] ^ 0xFF))
                body = body[:at] + bytes([value]) + body[at + 1:]
                what, at = f"command {command}, byte {at} = {value:#x}", at + 1
            elif cut < len(body):
                body, what, cut = body[:cut], f"command {command} cut at {cut}", cut + 1
            else:
                break
            lie(client, command, body)
            done += 1
            if done % 20 == 0:
                honest.check(what)
    honest.check("lies in bodies")
    client.drop()
    return done


def lie(client, command, body):
    try:
        client.call(command, body, timeout=3)
    except smb2.Status:
        pass
    except smb2.Gone as e:
        assert "in time" not in str(e) or command == smb2.LOCK, f"no answer to command {command}: {body.hex()}"
        client.drop()


def lies_in_compounds(honest):
    """NextCommand that points nowhere, backwards or into the middle; signatures are then wrong, too."""
    for following in (1, 4, 8, 63, 64, 72, 80, 0x7FFFFFF8, 0xFFFFFFF8, 0xFFFFFFFF):
        client = connect()
        first = header(13, client.message, following=following, session=client.session) + struct.pack("<HH", 4, 0)
        second = header(13, client.message + 1, flags=4, session=client.session) + struct.pack("<HH", 4, 0)
        try:
            client.sock.sendall(framed(first + bytes(4) + second))
            client.sock.settimeout(0.05)
            client.sock.recv(65536)
        except OSError:
            pass
        client.drop()
        honest.check(f"NextCommand {following:#x}")


def wrong_signatures(honest):
    client = connect()
    client.key = os.urandom(16)
    try:
        client.call(13, struct.pack("<HH", 4, 0), timeout=2)
        raise AssertionError("a wrong signature was accepted")
    except (smb2.Status, smb2.Gone, smb2.Wrong):
        pass
    client.drop()
    client = connect()
    client.key = None
    try:
        client.call(13, struct.pack("<HH", 4, 0), timeout=2)
        assert not client.signing_required, "an unsigned request was accepted where signing is required"
    except (smb2.Status, smb2.Gone, smb2.Wrong):
        pass
    client.drop()
    honest.check("wrong signatures")


def replayed_messages(honest):
    client = connect()
    client.call(13, struct.pack("<HH", 4, 0))
    client.message -= 1
    try:
        client.call(13, struct.pack("<HH", 4, 0), timeout=2)
        raise AssertionError("a message id was accepted twice")
    except (smb2.Status, smb2.Gone, smb2.Wrong):
        pass
    client.drop()
    client = connect()
    client.message += 100000
    try:
        client.call(13, struct.pack("<HH", 4, 0), timeout=2)
        raise AssertionError("a message id far outside the credits was accepted")
    except (smb2.Status, smb2.Gone, smb2.Wrong):
        pass
    client.drop()
    honest.check("replayed message ids")


def floods(honest):
    """Connections that say nothing, or never finish: the limit meets them, not the honest."""
    socks = []
    try:
        for i in range(600):
            try:
                s = socket.create_connection(tuple_of(args.server), 2)
                if i % 2:
                    s.sendall(framed(header(0) + NEGOTIATE_BODY))
                socks.append(s)
            except OSError:
                break
        honest.check(f"{len(socks)} silent connections")
    finally:
        for s in socks:
            s.close()
    time.sleep(0.5)
    for _ in range(50):
        name = args.user.partition("%")[0]
        try:
            smb2.Client(args.server, args.share, name, "wrong", timeout=5)
            raise AssertionError("a wrong password was accepted")
        except smb2.Status as e:
            assert e.status == 0xC000006D, f"a wrong password: {e.status:#x}"
    honest.check("wrong passwords")
    connect().drop()


def abrupt_ends(honest):
    """Connections that go away in the middle of things."""
    for i in range(100):
        client = connect()
        fid, _ = client.create(f"abrupt{i % 3}")
        client.lock(fid, i * 8, 8)
        if i % 2:
            client.sock.sendall(framed(header(8, client.message, session=client.session)[:40], 200))
        client.drop()
    honest.check("abrupt ends")


def main():
    global args
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--server", required=True)
    p.add_argument("--share", required=True)
    p.add_argument("--user", required=True, help="NAME%%PASSWORD")
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    random.seed(args.seed)
    honest = Honest()
    try:
        n = 0
        for n, (what, data) in enumerate(lies_before_authentication(), 1):
            raw(data, wait=0.01)
            if n % 10 == 0:
                honest.check(what)
        honest.check("lies before authentication")
        print(f"hostile: {n} lies before authentication", flush=True)
        print(f"hostile: {lies_after_authentication(honest)} lies after authentication", flush=True)
        for part in (lies_in_compounds, wrong_signatures, replayed_messages, floods, abrupt_ends):
            part(honest)
            print(f"hostile: {part.__name__}: ok", flush=True)
    except AssertionError as e:
        sys.exit(f"hostile: {e}")


if __name__ == "__main__":
    main()
