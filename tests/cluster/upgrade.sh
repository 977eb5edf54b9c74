#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A rolling upgrade under load: node by node drained, stopped, started with the next release, resumed. No client loses
# an open or a lock; records stay as the old release reads them until the operator raises the level; after that the
# old release is refused, with a word on why, also after all nodes lost power.
. "$(dirname "$0")/lab/test.sh"
. "$HF_LAB_HOME/lab/workload.sh"
SELF=$HF_LAB_HOME/upgrade.sh

level() { lab_cli "$1" --json level show | jq .level; }
# What the old release and the cluster begin with, and what the next release brings.
levels() {
	OLD=$(level 1)
	NEW=$((OLD + 1))
	range=$([ "$OLD" = 1 ] && echo 1 || echo "1-$OLD")
	too_old="this node's release has level $range, the cluster has $NEW"
}
# refused PATTERN ARGS...: the level may not be raised, because of PATTERN
refused() {
	local out p=$1
	shift
	out=$(lab_cli 1 level raise "$@" 2>&1) && fail "the level was raised"
	[[ $out == *$p* ]] || fail "level raise says '$out', not '$p'"
}

# The event of the clients' run: everything of it happens while they work.
roll() {
	local i
	for i in 1 2 3; do
		lab_cli $((i % 3 + 1)) node drain "n$i" || fail "n$i is not drained"
		lab_stop "$i" || fail "n$i does not stop"
		lab_release "$i" next
		[ "$i" != 3 ] || refused 'n3 is away'
		[ "$i" != 2 ] || refused 'has an older one'
		lab_start "$i"
		lab_wait_view 3 30 || fail "n$i does not come back with the next release"
		lab_cli "$i" node resume "n$i" || fail "n$i is not resumed"
		sleeper alone "$(lab_addr "$i")"
		sleeper reclaim "$(lab_addr $((i % 3 + 1)))"
		[ "$(level "$i")" = "$OLD" ] || fail "the level is not $OLD any more"
		[ "$i" = 3 ] || refused "n$((i == 1 ? 2 : 3)) has an older one"
		[ "$i" = 3 ] || refused "n$((i == 1 ? 2 : 3)) has an older one" --without-absent
		# Records that a new node wrote are taken over by old ones, and the other way round.
		lab_cli 1 --json state dump | jq -e --argjson v "$OLD" 'length > 0 and all(.[]; .record_version == $v)' > /dev/null || fail "a record of another version"
	done
	lab_cli 2 cluster status | grep -q "may be raised to $NEW" || fail "cluster status does not say that the level may be raised"
	lab_cli 2 level raise > "$HF_LAB/raised" || fail "the level is not raised"
}

if [ "${1:-}" = roll ]; then
	lab_load
	levels
	roll
	exit 0
fi

test_begin
lab_up 3 || fail "three nodes do not come up"
lab_accounts
lab_next_release
levels

refused 'is the highest that the installed releases have'
sleeper open "$(lab_addr 1)"
clients_work "rolling upgrade" --settle 2 --event "$SELF roll"
for i in 1 2 3; do [ "$(level "$i")" = "$NEW" ] || fail "node $i does not know the new level"; done
step "rolling upgrade: $(jq -c '{outage_ms, outage_others_ms, reclaims, lost, writes}' "$HF_LAB/result")"

sleeper alone "$(lab_addr 3)"
sleeper reclaim "$(lab_addr 2)"
lab_cli 1 --json state dump > "$HF_LAB/dump"
jq -e --argjson v "$NEW" 'any(.[]; .path == "sleeper" and .record_version == $v)' "$HF_LAB/dump" > /dev/null ||
	fail "records are not written as level $NEW has it"
step "an open from before the upgrade is reclaimed after it, and its record is a new one"

# told I: node I says that it is out, and why
told() {
	local i
	for i in $(seq 100); do
		lab_cli "$1" cluster status 2> /dev/null | grep -q "^store: $too_old: install" && return
		sleep 0.1
	done
	lab_cli "$1" cluster status >&2
	fail "node $1 does not say that its release is too old"
}
lab_stop 3
lab_release 3 bin
lab_start 3
told 3
sleeper reclaim "$(lab_addr 1)"
grep -q "this node cannot join the cluster, trying again: $too_old" \
	"$HF_LAB/n3/log/holdfast.log" || fail "no word of it in the log"
lab_cli 3 share list > "$HF_LAB/out" 2>&1 && fail "a node that is out has a configuration"
lab_cli 1 --json node list | jq -e '.[] | select(.name == "n3") | .in_view == false and .smbd == "stopped"' > /dev/null ||
	fail "the old release is in the view"
step "an old release is refused: $(lab_cli 3 cluster status | sed -n 's/^store: //p')"

for i in 1 2 3; do lab_kill "$i"; done
for i in 3 2 1; do lab_start "$i"; done
lab_wait_view 2 60 || fail "two nodes do not come back"
told 3
[ "$(level 1)" = "$NEW" ] || fail "the level went back"
sleeper reclaim "$(lab_addr 2)"
lab_stop 3
lab_release 3 next
lab_start 3
lab_wait_view 3 30 || fail "node 3 does not come back"
sleeper end "$(lab_addr 3)"
step "the level survives the loss of power of all nodes"
