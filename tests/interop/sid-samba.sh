#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes a root tree with Debian sid's Samba, ctdb and smbtorture: the newest peer to measure against, and the newest of
# Samba's tests. Needs root, debootstrap and 700 MB; takes about three minutes, once.
#
# usage: sid-samba.sh [DIR]     default $HF_CACHE/sid-samba, HF_CACHE being /var/cache/holdfast-tests; prints the tree's path
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
OUT=${1:-${HF_CACHE:-/var/cache/holdfast-tests}/sid-samba}
die() { echo "sid-samba: $*" >&2; exit 1; }
. "$HERE/sid.sh"

[ "$(id -u)" = 0 ] || die "needs root"
command -v debootstrap > /dev/null || die "debootstrap is missing"
mkdir -p "$OUT"
exec 9> "$OUT/lock"
flock 9
want=$(cat "$HERE/sid.sh" "$HERE/sid-samba.sh" | sha256sum)
if [ "$(cat "$OUT/stamp" 2>/dev/null)" != "$want" ]; then
	rm -f "$OUT/stamp"
	sid_root "$OUT/root" "$OUT" samba samba-vfs-modules smbclient samba-testsuite python3-samba ctdb
	# Samba looks up its own name at each session set-up: a resolver that does not answer would slow it.
	sed -i 's/^hosts:.*/hosts: files/' "$OUT/root/etc/nsswitch.conf"
	chroot "$OUT/root" smbd --version > "$OUT/version"
	chroot "$OUT/root" apt-get clean
	rm -rf "$OUT"/root/var/lib/apt/lists/*
	echo "$want" > "$OUT/stamp"
fi
echo "$OUT/root"
