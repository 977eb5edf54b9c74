#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Chaos: clients on every node of a real cluster, a nemesis that breaks it in every way it knows, and a checker that
# judges the history of what the clients saw. See tests/chaos/README.
#
# usage: run.sh [--minutes N | --seconds N] [--seed S] [--nodes N] [--faults A,B,...]
# environment: STORE (lmdb; or rados, on a Ceph of its own that gets its share of the faults), WORKERS (1), CHAOS_CLIENTS (12),
# CHAOS_PAUSE (0.04 s between two operations of a client), CHAOS_PERSISTENT (0.75, the share of persistent opens),
# CHAOS_OUT (a directory that gets history, nemesis, schedule and verdict), HF_FAULT (a broken rule, see proof.sh).
# Exit status: 0 no violation, 1 violations, 2 the run proves nothing, 3 the cluster did not come up or a client failed.

# The small file systems for the full disks vanish with the last process of this mount namespace.
if [ -z "${HF_CHAOS_MOUNTS:-}" ]; then
	export HF_CHAOS_MOUNTS=1
	exec unshare --mount --propagation private bash "$0" "$@"
fi
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../cluster/lab/test.sh"
HF_TEST=chaos

seconds=60 seed=1 nodes=3 faults=''
while [ $# -gt 0 ]; do
	case $1 in
	--minutes) seconds=$(($2 * 60)) ;;
	--seconds) seconds=$2 ;;
	--seed) seed=$2 ;;
	--nodes) nodes=$2 ;;
	--faults) faults=$2 ;;
	*) fail "unknown option $1" ;;
	esac
	shift 2 || fail "an option needs a value"
done
export STORE=${STORE:-lmdb}

chaos_filesystems() {
	export HF_DATA=$HF_LAB/data HF_STORE=$HF_LAB/store
	mkdir -p "$HF_DATA" "$HF_STORE" "$HF_LAB/skew"
	mount -t tmpfs -o size=64m,mode=1777 data "$HF_DATA" || fail "mount"
	[ "$STORE" != lmdb ] || mount -t tmpfs -o size=64m,mode=700 store "$HF_STORE" || fail "mount"
	local i
	for i in $(seq "$nodes"); do head -c 8 /dev/zero > "$HF_LAB/skew/n$i"; done
}

# A wrong clock for the nodes' programs; sanitizers do not let themselves be preloaded.
chaos_skew() {
	local so
	so=$(find "$HF_BUILD" -path '*tests/chaos/skew.so' -type f | head -1)
	[ -n "$so" ] || fail "no tests/chaos/skew.so under $HF_BUILD: build the tree first"
	export HF_CLOCK_SKEW=$HF_LAB/skew HF_NODE_PRELOAD=$HF_LAB/bin/skew.so
	mkdir -p "$HF_LAB/bin"
	cp "$so" "$HF_NODE_PRELOAD"
}

chaos_keep() {
	[ -n "${CHAOS_OUT:-}" ] || return 0
	mkdir -p "$CHAOS_OUT"
	cp "$HF_LAB"/{history,nemesis,schedule,verdict} "$CHAOS_OUT/" 2>/dev/null
}

chaos_end() {
	local rc=$?
	chaos_keep
	umount -l "$HF_LAB/data" "$HF_LAB/store" 2>/dev/null
	(exit $rc)
	test_end
}

test_begin
trap chaos_end EXIT
HF_BUILD=${HF_BUILD:-$(cd "$HERE/../.." && pwd)/build}
chaos_filesystems
chaos_skew
step "seed $seed, $seconds s, $nodes nodes, store $STORE, ${WORKERS:-1} workers${HF_FAULT:+, broken rule $HF_FAULT}"
lab_up "$nodes" || { step "the nodes do not come up"; exit 3; }
lab_accounts
servers=$(for i in $(seq "$nodes"); do lab_addr "$i"; done | paste -sd,)
lab_client /usr/bin/python3 "$HERE/chaos.py" --lab "$HERE/../cluster/lab.sh" --servers "$servers" --share $HF_CASHARE \
	--directory "$HF_DATA/ca" --user "$HF_USER" --seed "$seed" --seconds "$seconds" --store "$STORE" \
	--faults "$faults" --clients "${CHAOS_CLIENTS:-12}" --pause "${CHAOS_PAUSE:-0.04}" --persistent "${CHAOS_PERSISTENT:-0.75}" \
	--history "$HF_LAB/history" --nemesis "$HF_LAB/nemesis" --schedule "$HF_LAB/schedule"
ran=$?
/usr/bin/python3 "$HERE/check.py" "$HF_LAB/history" "$HF_LAB/nemesis" > "$HF_LAB/verdict"
judged=$?
cat "$HF_LAB/verdict"
[ $judged = 0 ] || exit $judged
[ $ran = 0 ] || exit 3
