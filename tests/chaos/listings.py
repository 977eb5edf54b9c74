# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client keeps of a directory under the lease of its open: the last listing, from which it answers whether a name is there.
What it does itself by files that name the lease as their parent's is not told to it, so that it enters it into the listing."""
import os
import time

import cache
import history
import smb2

DIRECTORIES = ("d0", "d1", "d2")
# Where files of one client are made, the more often named the more often. What hardly changes is cached for long.
PLACES = ("d0",) * 6 + ("d1",) * 2 + ("d2",) + ("",) * 2
LEASES = (smb2.LEASE_R, smb2.LEASE_R | smb2.LEASE_H)
ANSWERS = 2  # names that are answered at a time: of those that came and went last, and of those that are listed


def make(share):
    """The directories are there before anybody works."""
    for name in DIRECTORIES:
        path = os.path.join(share, name)
        os.mkdir(path)
        os.chmod(path, 0o777)


def path(directory, leaf):
    return f"{directory}\\{leaf}" if directory else leaf


class Listing(cache.Cache):
    def __init__(self, client, open_, want):
        super().__init__(client, open_, want)
        self.names = None  # as paths; None: not listed since the lease was granted
        self.unsure = set()  # of which the client itself does not know what has become of them

    def granted(self, state, breaking):
        got = super().granted(state, breaking)
        if not self.state & smb2.LEASE_R:
            self.names = None
        return got

    def broken(self, b):
        if not b.new & smb2.LEASE_R:
            self.names = None
        super().broken(b)

    def away(self):
        self.local.clear()  # the lease may have been gone when it was said

    def discard(self):
        super().discard()
        self.names = None

    def take(self, leaves):
        """What the server has listed, unless the lease went meanwhile."""
        if self.valid(smb2.LEASE_R):
            self.names = {path(self.open.file, leaf) for leaf in leaves}

    def listed(self):
        return self.names is not None and self.valid(smb2.LEASE_R)

    def answer(self, name):
        if name in self.unsure:
            return
        now = time.monotonic_ns()
        found = {"result": "ok"} if name in self.names else {"result": "fail", "status": history.NOT_FOUND}
        self.local.append({**self.client.entry(self.open, "lookup", begin=now, end=now, cached=True), "file": name, **found})

    # --- what the client does itself under this key ---

    def begin(self, names):
        self.unsure |= names

    def done(self, came, went):
        self.unsure -= came | went
        if self.names is not None:
            self.names = (self.names | came) - went
