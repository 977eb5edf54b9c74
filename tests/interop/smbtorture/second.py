#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes TCP connections on to several servers, so that a test program which knows one address has its clients on different
nodes. A client is a ClientGuid, read from its SMB2 NEGOTIATE. A new one goes to the node with the fewest clients, the first of
these in the order given; another connection of a client that has some goes where they go (a channel cannot be at another
node); a client that comes back after its last connection has ended goes to the next node. Bytes are passed on as they are.

usage: second.py LISTEN_ADDRESS SERVER...        all at port 445; says "ready" when it listens"""
import selectors
import socket
import struct
import sys

PORT, CHUNK = 445, 1 << 18


class Place:
    """Where clients are, and where they have been."""

    def __init__(self, servers):
        self.servers, self.live, self.last = servers, {}, {}

    def choose(self, guid):
        """The index of the server for one more connection of `guid`, which counts from now on."""
        if guid in self.live:
            at = self.last[guid]
        elif guid in self.last:
            at = (self.last[guid] + 1) % len(self.servers)
        else:
            busy = [sum(1 for g in self.live if self.last[g] == i) for i in range(len(self.servers))]
            at = busy.index(min(busy))
        self.last[guid] = at
        self.live[guid] = self.live.get(guid, 0) + 1
        return at

    def gone(self, guid):
        self.live[guid] -= 1
        if not self.live[guid]:
            del self.live[guid]


def client_guid(data):
    """The ClientGuid of a NEGOTIATE (MS-SMB2 2.2.3), b"" when this is something else, None while there is too little."""
    if len(data) < 8:
        return None
    if data[4:8] != b"\xfeSMB":
        return b""
    if len(data) < 4 + 64 + 28:
        return None
    command, = struct.unpack_from("<H", data, 4 + 12)
    return bytes(data[4 + 64 + 12:4 + 64 + 28]) if command == 0 else b""


class Pipe:
    """One connection and its other half."""

    def __init__(self, loop, sock):
        self.loop, self.ends, self.out = loop, [sock, None], [b"", b""]  # out[i] is yet to be sent to ends[i]
        self.first, self.guid, self.ended = b"", None, [False, False]
        self.watch(0)

    def watch(self, i):
        """Reads from an end as long as the other one takes it; writes to it what waits."""
        other = 1 - i
        events = 0
        if not self.ended[i] and len(self.out[other]) < CHUNK:
            events |= selectors.EVENT_READ
        if self.out[i]:
            events |= selectors.EVENT_WRITE
        self.loop.set(self.ends[i], events, lambda mask: self.ready(i, mask))

    def begin(self, guid):
        self.guid = guid
        at = self.loop.place.choose(guid)
        up = socket.create_connection((self.loop.place.servers[at], PORT), 10)
        up.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        up.setblocking(False)
        self.ends[1], self.out[1] = up, self.first

    def ready(self, i, mask):
        try:
            if mask & selectors.EVENT_READ:
                self.read(i)
            if mask & selectors.EVENT_WRITE and self.out[i]:
                sent = self.ends[i].send(self.out[i])
                self.out[i] = self.out[i][sent:]
        except OSError:
            self.ended = [True, True]
            self.out = [b"", b""]
        # Either side's end is the end of both, once what it said is passed on.
        if (self.ended[0] and not self.out[1]) or (self.ended[1] and not self.out[0]):
            self.close()
            return
        for k in (0, 1):
            if self.ends[k]:
                self.watch(k)

    def read(self, i):
        data = self.ends[i].recv(CHUNK)
        if not data:
            self.ended[i] = True
        elif self.ends[1]:
            self.out[1 - i] += data
        else:
            self.first += data
            guid = client_guid(self.first)
            if guid is not None:
                self.begin(guid)

    def close(self):
        for s in self.ends:
            if s:
                self.loop.set(s, 0, None)
                s.close()
        if self.guid is not None:
            self.loop.place.gone(self.guid)


class Loop:
    def __init__(self, address, servers):
        self.place, self.select = Place(servers), selectors.DefaultSelector()
        self.listener = socket.create_server((address, PORT), backlog=128)
        self.listener.setblocking(False)
        self.set(self.listener, selectors.EVENT_READ, self.accept)

    def set(self, sock, events, call):
        known = sock in self.select.get_map()
        if events and known:
            self.select.modify(sock, events, call)
        elif events:
            self.select.register(sock, events, call)
        elif known:
            self.select.unregister(sock)

    def accept(self, _):
        sock, _ = self.listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        Pipe(self, sock)

    def run(self):
        while True:
            # Ends come before beginnings: who closed and connects again is not taken for two.
            for key, mask in sorted(self.select.select(), key=lambda e: e[0].fileobj is self.listener):
                if self.select.get_map().get(key.fd) is key:
                    key.data(mask)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    loop = Loop(sys.argv[1], sys.argv[2:])
    print("ready", flush=True)
    loop.run()
