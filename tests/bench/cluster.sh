#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Three nodes of Holdfast beside three nodes of Samba 4.25 with ctdb and persistent handles: the same machine, the same run,
# one shared directory of the same file system each, in turns. Prints the medians and their ratio as a table for
# doc/performance.md.
#
# usage: cluster.sh [ROUNDS]      SECONDS_EACH=3 WORKERS=1 cluster.sh 3
# environment: ONLY=WORD measures only the rows whose names contain WORD; STORE=rados: Holdfast's records are on three
# OSDs (bluestore, three copies), the peer's stay in ctdb's own files, and only persistent opens are measured, by more and
# more clients, up to what the OSDs themselves can do
. "$(dirname "$0")/../cluster/lab/test.sh"
. "$HF_LAB_HOME/lab/ctdb.sh"
HF_TEST=bench-cluster
export STORE=${STORE:-lmdb}
ROUNDS=${1:-3}
ROOT=$("$(dirname "$0")/../interop/sid-samba.sh") || fail "there is no tree of Debian sid's Samba"
test_begin
ours=$HF_LAB
lab_up 3 || fail "three nodes do not come up"
lab_accounts

# The peer has a lab of its own, below ours so that it ends with it.
theirs=$ours/peer
peer() { (HF_LAB=$theirs; export HF_LAB; "$@"); }
trap 'rc=$?; peer lab_down; (exit $rc); test_end' EXIT
mkdir -p "$theirs"
STORE=lmdb peer lab_up 3 --corosync-only || fail "no lab for the peer"
peer lab_ctdb_up "$ROOT" 3

# one WHO NODE ARGS...: one measurement as JSON
one() {
	local who=$1 node=$2 args=(--seconds "${SECONDS_EACH:-3}" --json)
	shift 2
	if [ "$who" = holdfast ]; then
		lab_client "$ours/bin/hfbench" --address "$(lab_addr "$node")" --user "${HF_USER%%\%*}" --password "${HF_USER#*%}" "${args[@]}" "$@"
	else
		peer lab_client "$ours/bin/hfbench" --address "$(lab_addr "$node")" --user root --password samba "${args[@]}" "$@"
	fi 2> "$ours/err" || fail "hfbench against $who: $(tail -1 "$ours/err")"
}

# all WHO ARGS...: the same on three nodes at once; their sum as JSON
all() {
	local who=$1 i p=()
	shift
	for i in 1 2 3; do
		one "$who" $i "$@" > "$ours/part$i" &
		p+=($!)
	done
	for i in "${p[@]}"; do wait "$i" || fail "a node's part"; done
	jq -s '{ops_per_s: map(.ops_per_s) | add, p50_us: map(.p50_us) | max, p99_us: map(.p99_us) | max}' "$ours"/part[123]
}

# row NAME NODES ARGS...
row() {
	local name=$1 nodes=$2 i
	shift 2
	[[ $name == *"${ONLY:-}"* ]] || return 0
	: > "$ours/a"
	: > "$ours/b"
	for i in $(seq "$ROUNDS"); do
		if [ "$nodes" = 1 ]; then
			one holdfast 1 "$@" >> "$ours/a"
			one samba 1 "$@" >> "$ours/b"
		else
			all holdfast "$@" >> "$ours/a"
			all samba "$@" >> "$ours/b"
		fi
	done
	jq -nr --arg n "$name" --slurpfile o "$ours/a" --slurpfile t "$ours/b" '
		def median: sort | .[(length - 1) / 2 | floor];
		($o | map(.ops_per_s) | median) as $a | ($t | map(.ops_per_s) | median) as $b |
		"| \($n) | \($a | round) | \($b | round) | \(if $b == 0 then "-" else ($a / $b * 100 | round / 100) end)" +
		" | \($o | map(.p50_us) | median | round) / \($o | map(.p99_us) | median | round)" +
		" | \($t | map(.p50_us) | median | round) / \($t | map(.p99_us) | median | round) |"' || fail "the row $name"
}

# osds: small writes per second that the OSDs take from N writers at once, without any file server
osds() {
	CEPH_CONF=$ours/ceph/ceph.conf lab_client rados -p holdfast -N bench bench "${SECONDS_EACH:-3}" write -b 256 -t "$1" \
		> "$ours/osds" 2> "$ours/err" || fail "rados bench: $(tail -1 "$ours/err")"
	awk '/^Average IOPS:/ {print $3}' "$ours/osds"
}

echo "$(nproc) processors, kernel $(uname -r), $(cat "$ROOT/../version") with ctdb, ${WORKERS:-1} workers, store $STORE; median of $ROUNDS rounds of ${SECONDS_EACH:-3} s each; everything shares the processors."
echo
echo "| what | Holdfast 1/s | Samba 1/s | ratio | us p50 / p99 | Samba's |"
echo "|---|--:|--:|--:|--:|--:|"
if [ "$STORE" = lmdb ]; then
	row "open and close, 1 connection" 1 --share data
	row "open and close, 3 nodes x 2 connections, two files" 3 --share data --connections 2 --keep
	row "open and close, 3 nodes x 2 connections, one file" 3 --share data --connections 2 --same-file --keep
fi
connections=(1 8)
[ "$STORE" = lmdb ] || connections=(1 2 4 8 16 32)
for n in "${connections[@]}"; do
	row "persistent open and close, $n connections" 1 --share ca --mode persistent-open-close --connections "$n"
done
row "persistent open and close, 3 nodes x 8 connections, eight files" 3 --share ca --mode persistent-open-close --connections 8 --keep
[ "$STORE" = lmdb ] || for n in 1 8 32; do
	echo
	echo "The OSDs alone take $(osds "$n") small writes per second from $n writers at once; an open and a close are two."
done
