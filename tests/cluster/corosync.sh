#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The lab itself: three corosync nodes, a kill, a cut, a pause, and nothing left behind.
. "$(dirname "$0")/lab/test.sh"
test_begin

lab_up 3 --corosync-only || fail "three nodes do not form a cluster"
step "three nodes are up and quorate"

lab_client sh -c 'exec 3<>/dev/tcp/10.77.0.1/445' 2>/dev/null && fail "something answers on port 445"
lab_client ip route get 192.0.2.1 > /dev/null 2>&1 && fail "the lab has a way out"

t=$(now_ms)
lab_kill 1
lab_wait_quorum 2 2 || fail "the survivors of a killed node do not go on"
lab_wait_quorum 3 2 || fail "the survivors of a killed node do not go on"
step "node 1 was killed: two go on after $(($(now_ms) - t)) ms"
lab_start 1
lab_wait_quorum 1 3 || fail "a killed node does not come back"

t=$(now_ms)
lab_cut 3
lab_wait_no_quorum 3 || fail "a node that was cut off keeps its quorum"
lab_wait_quorum 1 2 || fail "the majority does not go on"
step "node 3 was cut off: it and the others know after $(($(now_ms) - t)) ms"
lab_heal 3
lab_wait_quorum 3 3 || fail "a healed node does not come back"

lab_pause 2
lab_wait_quorum 1 2 || fail "a paused node is not missed"
lab_cont 2
lab_wait_quorum 2 3 || fail "a paused node does not come back"
step "node 2 was paused and came back"

lab_poweroff 1
lab_wait_quorum 2 2 || fail "a node without power is not missed"
lab_heal 1
lab_start 1
lab_stop 3 || fail "corosync does not stop in order"
lab_wait_quorum 1 2 || fail "a stopped node is not missed"

pids=$(for n in n1 n2 n3 client switch; do lab_pids_in $n; lab_holder $n; done)
lab_down
sleep 0.1
for p in $pids; do
	[ ! -e "/proc/$p" ] || fail "process $p outlived the lab"
done
step "the lab left no process behind"
