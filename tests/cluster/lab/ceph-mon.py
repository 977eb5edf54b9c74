#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends commands to Ceph's monitor as client.admin over one connection and prints their output.

usage: ceph-mon.py [--input FILE] JSON...        ($CEPH_CONF names the configuration)
Ends with 1 and the monitor's sentence at the first command that fails."""
import os
import sys

import rados


def main(args):
    data = b""
    if args and args[0] == "--input":
        with open(args[1], "rb") as f:
            data = f.read()
        args = args[2:]
    with rados.Rados(conffile=os.environ["CEPH_CONF"], name="client.admin") as cluster:
        for cmd in args:
            rc, out, said = cluster.mon_command(cmd, data, timeout=30)
            if rc != 0:
                print(f"{cmd}: {said or os.strerror(-rc)}", file=sys.stderr)
                return 1
            if out:
                print(out.decode())
    return 0


sys.exit(main(sys.argv[1:]))
