#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# All nodes lose power and come back, in several orders, under load: clients reclaim their opens with their locks, what was
# acknowledged is there, and nobody else gets what waits for its client. Fewer nodes than a majority serve nobody.
#
# usage: power.sh [ORDER...]        STORE=rados power.sh ...
#   last-first     all at once; the highest node is back first, all soon after each other
#   one-waits      all at once; one is back and alone for longer than anything lasts, then the others
#   one-by-one     one after the other, while the rest goes on as long as it may; the first to die is back first
#   last-killed    the same; the last to die is back first
. "$(dirname "$0")/lab/test.sh"
. "$HF_LAB_HOME/lab/workload.sh"
SELF=$HF_LAB_HOME/power.sh
TOKEN=${TOKEN:-1000}

# lone I: node I alone is asked for a while, and never serves
lone() {
	for _ in $(seq 8); do
		[[ "$(lab_view "$1")" != *true ]] || fail "node $1 serves without a majority"
		sleep 0.5
	done
	[ -n "$(lab_view "$1")" ] || fail "node $1 does not come up"
}

# off I...: as one event, since nobody hears of another one's end
off() {
	local i
	for i; do lab_cut "$i"; done
	for i; do lab_kill "$i"; done
	for i; do lab_heal "$i"; done
}

event() {
	local i
	case $1 in
	last-first) off 1 2 3; sleep 1; for i in 3 1 2; do lab_start $i; sleep 0.3; done ;;
	one-waits) off 2 3 1; lab_start 2; lone 2; lab_start 3; sleep 2; lab_start 1 ;;
	one-by-one) for i in 1 2 3; do off $i; sleep 4; done; lab_start 1; lone 1; lab_start 3; lab_start 2 ;;
	last-killed) for i in 1 2 3; do off $i; sleep 4; done; for i in 3 2 1; do lab_start $i; done ;;
	*) fail "there is no order $1" ;;
	esac
	lab_wait_view 3 60 || fail "$1: the cluster is not whole again"
}

if [ "${1:-}" = event ]; then
	lab_load
	event "$2"
	exit 0
fi

[ $# -gt 0 ] || set -- last-first one-waits one-by-one last-killed
test_begin
lab_up 3 || fail "three nodes do not come up"
lab_accounts
sleeper open "$(lab_addr 1)"
for order; do
	clients_work "$order" --prefix "$order-" --settle 2 --event "$SELF event $order"
	for i in 1 2 3; do sleeper alone "$(lab_addr $i)"; done
	sleeper reclaim "$(lab_addr 2)"
	step "$order: $(jq -c '{served_after_s, reclaims, lost, writes}' "$HF_LAB/result")"
done
sleeper end "$(lab_addr 3)"
step "an open whose client stayed away is his after all of it"
