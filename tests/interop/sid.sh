# SPDX-License-Identifier: GPL-3.0-or-later
# A root tree of Debian sid, for programs that Debian 12 does not have or has too old. Needs root and debootstrap.
# Sourced by a script that has die().

sid_mirror() {
	local m
	m=$(awk '$1 == "URIs:" && $2 ~ /debian\/?$/ {print $2; exit}' /etc/apt/sources.list.d/*.sources 2>/dev/null)
	[ -n "$m" ] || m=$(awk '$1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /^http.*debian\/?$/) {print $i; exit}}' \
		/etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || :)
	echo "${m:-http://deb.debian.org/debian}"
}

# sid_root ROOT LOGDIR PACKAGE...: makes the tree, or adds what it lacks; the package lists stay in it
sid_root() {
	local root=$1 logs=$2
	shift 2
	[ -e "$root/bin/sh" ] && [ -e "$logs/debootstrap.done" ] || {
		rm -rf "$root"
		debootstrap --variant=minbase sid "$root" "$(sid_mirror)" > "$logs/debootstrap.log" 2>&1 ||
			die "debootstrap failed; its log is $logs/debootstrap.log"
		touch "$logs/debootstrap.done"
	}
	printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
	chmod +x "$root/usr/sbin/policy-rc.d"
	# A mirror's copy of sid may be older than its Release file says it may be; signatures stay checked.
	echo 'Acquire::Check-Valid-Until "false";' > "$root/etc/apt/apt.conf.d/99-old-release"
	{
		chroot "$root" apt-get -q update
		DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -q -o Dpkg::Options::=--force-unsafe-io \
			install -y --no-install-recommends "$@"
	} > "$logs/apt.log" 2>&1 || die "installing packages failed; the log is $logs/apt.log"
}
