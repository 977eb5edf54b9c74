#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds a Linux kernel SMB client (cifs.ko) that runs as an ordinary process: User Mode Linux and a
# root tree, both of Debian sid (the User Mode Linux of Debian 12 and 13 panics on processors with
# AMX). Needs root, debootstrap, patchelf and 1 GB; takes about two minutes, once.
#
# usage: build-image.sh [DIR]     default $HF_CACHE/linux-client, HF_CACHE being /var/cache/holdfast-tests
# The directory cannot be moved afterwards.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
OUT=${1:-${HF_CACHE:-/var/cache/holdfast-tests}/linux-client}
ROOT=$OUT/rootfs
GUEST_PACKAGES="iproute2 kmod busybox-static cifs-utils keyutils procps fio attr acl git"
# What of the kernel's modules a CIFS mount loads.
MODULES="fs/smb fs/netfs fs/nls crypto lib net/dns_resolver"

die() { echo "build-image: $*" >&2; exit 1; }
. "$HERE/../sid.sh"

root_tree() {
	sid_root "$ROOT" "$OUT" $GUEST_PACKAGES
	chroot "$ROOT" sh -c 'cd /tmp && rm -f user-mode-linux_*.deb &&
		apt-get -q -o APT::Sandbox::User=root download user-mode-linux' >> "$OUT/apt.log" 2>&1 ||
		die "downloading user-mode-linux failed; the log is $OUT/apt.log"
}

kernel() {
	local tree=$OUT/uml v from p
	rm -rf "$tree" "$ROOT/lib/modules"
	mkdir -p "$tree" "$ROOT/lib/modules"
	dpkg-deb -x "$ROOT"/tmp/user-mode-linux_*.deb "$tree"
	v=$(ls "$tree/usr/lib/uml/modules")
	from=$tree/usr/lib/uml/modules/$v
	mkdir "$ROOT/lib/modules/$v"
	cp "$from"/modules.builtin* "$from"/modules.order "$ROOT/lib/modules/$v/"
	for p in $MODULES; do
		[ ! -e "$from/kernel/$p" ] || (cd "$from" && cp -a --parents "kernel/$p" "$ROOT/lib/modules/$v/")
	done
	chroot "$ROOT" depmod "$v"
	cp -f "$tree/usr/bin/linux.uml" "$OUT/linux.uml"
	# It is a program of this machine linked against sid's libc: that is in the root tree.
	patchelf --set-interpreter "$ROOT/lib64/ld-linux-x86-64.so.2" \
		--set-rpath "$ROOT/usr/lib/x86_64-linux-gnu:$ROOT/lib/x86_64-linux-gnu" "$OUT/linux.uml"
	echo "$v" > "$OUT/version"
}

[ "$(id -u)" = 0 ] || die "needs root"
[ "$(uname -m)" = x86_64 ] || die "is for x86_64 only"
for tool in debootstrap patchelf dpkg-deb; do
	command -v $tool > /dev/null || die "$tool is missing"
done
want=$(cat "$HERE/build-image.sh" "$HERE/../sid.sh" "$HERE/guest-init" | sha256sum)
if [ "$(cat "$OUT/stamp" 2>/dev/null)" = "$want" ]; then
	echo "build-image: $OUT is up to date (Linux $(cat "$OUT/version"))"
	exit 0
fi
mkdir -p "$OUT"
exec 9> "$OUT/lock"
flock 9
rm -f "$OUT/stamp"
root_tree
kernel
install -m 755 "$HERE/guest-init" "$ROOT/guest-init"
mkdir -p "$ROOT/mnt"
chroot "$ROOT" apt-get clean
rm -rf "$ROOT"/var/lib/apt/lists/* "$ROOT"/tmp/*.deb "$OUT/uml"
echo "$want" > "$OUT/stamp"
echo "build-image: $OUT holds Linux $(cat "$OUT/version") and $(du -sxm "$ROOT" | cut -f1) MB of root tree"
