#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Holdfast beside Debian's Samba on this machine, in turns, in one run: rates and throughput over the
# lab's network, the best of several rounds each. Prints a table.
#
# usage: compare.sh [ROUNDS]     SECONDS_EACH=3 WORKERS=2 compare.sh
. "$(dirname "$0")/../cluster/lab/test.sh"
ROUNDS=${1:-2}
WORKERS=${WORKERS:-$(nproc)}
test_begin
lab_up 1 || fail "one node does not come up"
lab_accounts
# Samba is on a machine of its own in the same lab: the client's bridge, another address.
lab_hold peer
lab_in switch sh -ec "ip link add peer type veth peer name eth0 netns $(lab_holder peer); ip link set peer master br0 up"
lab_in peer sh -ec "ip link set lo up; ip addr add $HF_NET.100/24 dev eth0; ip link set eth0 up"
lab_samba_start peer
smbd=$(lab_pids_of n1 holdfast-smbd)
samba=$(lab_pids_of peer smbd | head -1)

# one WHO MODE...: prints what hfbench measured, as "VALUE CPU"
one() {
	local who=$1 address=$HF_NET.1 user=${HF_USER%%%*} password=${HF_USER#*%} share=$HF_SHARE pid=$smbd
	shift
	case "$who $*" in
	samba*) address=$HF_NET.100 user=root password=samba share=data pid=$samba ;;
	*persistent*) share=$HF_CASHARE ;;
	esac
	lab_client "$HF_LAB/bin/hfbench" --address "$address" --user "$user" --password "$password" --share "$share" \
		--server-pid "$pid" --seconds "${SECONDS_EACH:-3}" --json "$@" 2>> "$HF_LAB/n1/log/hfbench"
}

# best WHO MODE...: of several rounds
best() {
	local i
	for i in $(seq "$ROUNDS"); do one "$@"; done | jq -s 'max_by(.ops_per_s)'
}

# row NAME UNIT ARGS...
row() {
	local name=$1 unit=$2 ours theirs
	shift 2
	ours=$(best holdfast "$@")
	theirs=null
	[[ "$*" == *persistent* ]] || theirs=$(best samba "$@")
	jq -nr --argjson o "$ours" --argjson t "$theirs" --arg n "$name" --arg u "$unit" '
		def v: if . == null then "-" elif $u == "MB/s" then (.mb_per_s | round) else (.ops_per_s | round) end;
		def us: if . == null then "-" else (.p50_us | round | tostring) + "/" + (.p99_us | round | tostring) end;
		"\($n)|\($u)|\($o | v)|\($o | us)|\($t | v)|\($t | us)"' |
		awk -F'|' '{printf "%-44s %-6s %10s %14s %10s %14s\n", $1, $2, $3, $4, $5, $6}'
}

printf '%-44s %-6s %10s %14s %10s %14s\n' "$(nproc) cores, $WORKERS workers, best of $ROUNDS" "" holdfast "us p50/p99" samba "us p50/p99"
row "open+close, 1 connection" "1/s" --mode open-close
row "open+close, 8 connections" "1/s" --mode open-close --connections 8
row "persistent open+close, 1 connection" "1/s" --mode persistent-open-close
row "persistent open+close, 8 connections" "1/s" --mode persistent-open-close --connections 8
row "echo, 1 connection" "1/s" --mode echo
row "session set-up" "1/s" --mode session
row "read 4 KiB, depth 1" "1/s" --mode read --size 4k
row "read 4 KiB, depth 16" "1/s" --mode read --size 4k --depth 16
for c in 1 8; do
	row "read 1 MiB, depth 4, $c connections" "MB/s" --mode read --size 1m --depth 4 --connections $c
	row "write 1 MiB, depth 4, $c connections" "MB/s" --mode write --size 1m --depth 4 --connections $c
done
row "read 1 MiB, depth 4, sealed" "MB/s" --mode read --size 1m --depth 4 --seal
row "write 1 MiB, depth 4, sealed" "MB/s" --mode write --size 1m --depth 4 --seal
row "read 1 MiB, depth 4, signed" "MB/s" --mode read --size 1m --depth 4 --sign
