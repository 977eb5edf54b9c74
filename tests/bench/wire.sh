#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What leases save on the wire: requests that the Linux kernel client sends for "git status" and "find" over a source tree
# on one of three nodes, with leases, without directory leases (nohandlecache), and without any (nolease). Each command
# runs three times in one mount; the first finds nothing cached. Prints a table for doc/performance.md.
#
# usage: wire.sh [FILES]      about that many files in the tree (1000)
. "$(dirname "$0")/../cluster/lab/test.sh"
CLIENT=$(cd "$(dirname "$0")/../interop/linux-client" && pwd)
FILES=${1:-1000}
"$CLIENT/build-image.sh" || fail "no image of the Linux client"
test_begin
lab_up 3 || fail "three nodes do not come up"
lab_accounts

# A tree of directories of twenty files each, as sources are, under git.
tree=$HF_DATA/$HF_SHARE/tree
mkdir -p "$tree"
(
	cd "$tree" || exit 1
	for d in $(seq $((FILES / 20))); do
		mkdir -p "part$((d / 10))/dir$d"
		for f in $(seq 20); do echo "int value_${d}_$f = $d;" > "part$((d / 10))/dir$d/file$f.c"; done
	done
	git init -q . && git add . && git -c user.name=bench -c user.email=bench@example.org commit -q -m tree
) || fail "no tree of sources"
chown -R 20001:20001 "$tree"

# In the guest: NAME, run, requests.
work='smbs() { awk "/^SMBs:/ {n += \$2} END {print n + 0}" /proc/fs/cifs/Stats; }
git config --global --add safe.directory "*"
measure() {
	local name=$1 run a b
	shift
	for run in 1 2 3; do
		a=$(smbs); "$@" > /tmp/out 2>&1 || { cat /tmp/out; exit 1; }; b=$(smbs)
		echo "measured $name $run $((b - a))"
	done
}
cd tree
measure find find . -name "*.c" -newer .git/HEAD
measure git-status git status --short'

# mounted OPTIONS COMMAND
mounted() {
	lab_client "$CLIENT/run.sh" -t 600 -o "vers=3.1.1,nobrl,$1" -u "$HF_USER" "//$(lab_addr 1)/$HF_SHARE" "$2" \
		> "$HF_LAB/out" 2>&1 || { cat "$HF_LAB/out" >&2; fail "mounted with $1"; }
}
# git notes once for all what this client says of each file.
mounted nolease 'git config --global --add safe.directory "*"; cd tree && git status > /dev/null'
for options in max_cached_dirs=10000 nohandlecache nolease; do
	mounted "$options" "$work"
	awk -v o="$options" '$1 == "measured" {print o, $2, $3, $4}' "$HF_LAB/out" >> "$HF_LAB/figures"
done
echo "$((FILES / 20 * 20)) files in $((FILES / 20)) directories; Linux $(cat "${HF_CACHE:-/var/cache/holdfast-tests}/linux-client/version"); requests in the first, second and third run."
echo
echo "| command | leases | without directory leases | without leases |"
echo "|---|--:|--:|--:|"
awk '{n[$2 "/" $1] = n[$2 "/" $1] (n[$2 "/" $1] ? ", " : "") $4}
	END {split("find git-status", c, " ")
	for (i = 1; i <= 2; i++) print "| " c[i] " | " n[c[i] "/max_cached_dirs=10000"] " | " n[c[i] "/nohandlecache"] " | " n[c[i] "/nolease"] " |"}' "$HF_LAB/figures"
