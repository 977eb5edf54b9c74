# SPDX-License-Identifier: GPL-3.0-or-later
# Installs the packages listed in deploy/packages, and only those that are missing. Daemons among
# them (corosync, samba, krb5-kdc, ceph) are neither started nor left to start at the next boot.

# packages_of GROUP...
packages_of() {
	local g
	for g; do
		awk -v g="$g" '$1 == g {for (i = 2; i <= NF; i++) print $i}' "$HF_TOP/deploy/packages"
	done
}

packages_missing() {
	local p
	for p in $(packages_of "$@"); do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || echo "$p"
	done
}

# Units that are enabled now: those which appear while we install are disabled again.
packages_units() {
	command -v systemctl > /dev/null && [ -d /run/systemd/system ] || return 0
	systemctl list-unit-files --no-legend --type=service --state=enabled 2>/dev/null | awk '{print $1}' | sort
}

packages_apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold \
		-o DPkg::Lock::Timeout=300 "$@"
}

# packages_install LOGDIR GROUP...
packages_install() {
	local log=$1/packages.log missing policy=/usr/sbin/policy-rc.d before new made=
	shift
	missing=$(packages_missing "$@" | tr '\n' ' ')
	if [ -z "$missing" ]; then
		note "every package is there already"
		return 0
	fi
	[ "$(id -u)" = 0 ] || die "these packages are missing and only root can install them: $missing"
	command -v apt-get > /dev/null || die "this is no Debian: install what stands for these packages: $missing"
	note "installing: $missing"
	before=$(packages_units)
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' > "$policy"
		chmod 755 "$policy"
		made=1
	fi
	if ! packages_apt_all "$missing" > "$log" 2>&1; then
		[ -z "$made" ] || rm -f "$policy"
		tail -n 15 "$log" | sed 's/^/    /' >&2
		die "installing packages failed; all of apt's output is in $log"
	fi
	[ -z "$made" ] || rm -f "$policy"
	new=$(comm -13 <(echo "$before") <(packages_units) | grep -E '^(corosync|smb|nmb|samba|winbind|krb5|ceph)' | tr '\n' ' ')
	if [ -n "$new" ]; then
		note "these services came with the packages and stay off: $new"
		systemctl --quiet disable $new >> "$log" 2>&1 || note "they could not be disabled; see $log"
	fi
}

packages_apt_all() {
	packages_apt --no-install-recommends install $1 && return 0
	packages_apt update && packages_apt --no-install-recommends install $1
}
