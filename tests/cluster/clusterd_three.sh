#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# clusterd on three nodes: death of smbd, death, cut and pause of a node, the minority, listings of the whole cluster.
. "$(dirname "$0")/lab/test.sh"
. "$(dirname "$0")/lab/clusterd.sh"
test_begin

all_serve() { cd_serves 1 && cd_serves 2 && cd_serves 3; }
same_epoch() { [ "$(cd_epoch 1)" = "$(cd_epoch 2)" ] && [ "$(cd_epoch 2)" = "$(cd_epoch 3)" ]; }
settled() { all_serve && same_epoch; }
node_pids() { cd_pids "$1" corosync; cd_pids "$1" holdfast-clusterd; cd_pids "$1" fakesmbd; }
boot_ns() { python3 -c 'import time; print(time.clock_gettime_ns(7))'; }
# kill_now PID...: SIGKILL; prints when
kill_now() { python3 -c 'import os, sys, time
t = time.clock_gettime_ns(7)
for p in sys.argv[1:]: os.kill(int(p), 9)
print(t)' "$@"; }
# The right of node I's smbd ended (ns) before the others' view without it.
fenced_before() { # I OTHER
	local stop view
	stop=$(cd_event "$1" ' serving no')
	view=$(cd_event "$2" " view ")
	[ -n "$stop" ] && [ "$stop" -lt "$view" ] || fail "node $1 served until $stop, node $2 went on without it at $view"
}

lab_up 3 --corosync-only || fail "no corosync"
cd_programs
for i in 1 2 3; do cd_start $i; cd_smbd $i 3; done
cd_wait "three nodes do not serve" 20 settled
step "three nodes serve, epoch $(cd_epoch 1)"

# --- cluster-wide configuration and listings
cd_cli 2 share create data --path /srv > /dev/null 2>&1 || fail "share create on node 2"
for i in 1 2 3; do cd_wait "node $i did not learn of the share" 2 grep -q "shares=1" "$HF_LAB/n$i/smbd"; done
[ "$(cd_cli 3 --json open list | jq -r 'map(.node)|unique|join(",")')" = n1,n2,n3 ] || fail "open list is not cluster-wide"
[ "$(cd_cli 3 --json lease stats | jq -c '[.[-1] | .node, .lease_rwh, .max_ms, .age_s]')" = '["(all)",18,21,null]' ] || fail "lease stats is not of all nodes"
[ "$(cd_cli 3 lease stats | grep -c '^lease RWH .* 18 ')" = 1 ] || fail "lease stats shows no sum"
[ "$(cd_cli 3 --json node list | jq -r 'map(.state)|join(",")')" = up,up,up ] || fail "node list"
step "configuration and listings reach every node"

# --- smbd of node 2 dies: seen at once
for round in 1 2 3 4 5; do
	t=$(kill_now $(cd_pids 2 fakesmbd))
	cd_wait "the death of smbd is not seen" 2 cd_view 1 ' 2:0000000000000000'
	echo $((($(cd_event 1 ' view ') - t) / 1000))
	cd_smbd 2 3
	cd_wait "smbd does not come back" 5 settled
done > "$HF_LAB/times"
read -r median max <<< "$(median_max < "$HF_LAB/times")"
step "death of smbd to the view of another node: median $median us, max $max us (of 5)"
[ "$median" -lt 20000 ] || fail "the death of smbd is seen too late"

# --- clusterd of node 3 dies and comes back within the lease: nothing happens (three tries: a busy machine may be late)
for round in 1 2 3; do
	epoch=$(cd_epoch 1)
	before=$(grep -c 'serving no' "$HF_LAB/n3/smbd")
	kill -9 $(cd_pids 3 holdfast-clusterd)
	cd_start 3
	sleep 2
	settled && [ "$(cd_epoch 1)" = "$epoch" ] && [ "$(grep -c 'serving no' "$HF_LAB/n3/smbd")" = "$before" ] && break
	[ $round -lt 3 ] || fail "a restart of clusterd interrupts smbd"
	! grep -q evicted "$HF_LAB/n3/smbd" || cd_smbd 3 3
	cd_wait "node 3 does not come back" 10 settled
done
step "clusterd of a node was killed and restarted: no new view, no interruption"

# --- clusterd of node 3 dies and stays away: its smbd stops, then the others go on without it
kill -9 $(cd_pids 3 holdfast-clusterd)
cd_wait "no view without node 3" 5 cd_view 1 'members=2'
fenced_before 3 1
cd_start 3
cd_wait "the old smbd is not sent away" 5 grep -q evicted "$HF_LAB/n3/smbd"
cd_smbd 3 3
cd_wait "node 3 does not come back" 5 settled
step "clusterd of a node stayed away: its smbd stopped before the others went on"

# --- the whole node 1 (the publisher) is killed
t=$(kill_now $(node_pids 1))
cd_wait "no view without node 1" 10 cd_view 2 'members=2'
step "node 1 was killed: the next view came after $((($(cd_event 2 ' view ') - t) / 1000000)) ms (token 1000: corosync needs about 2200)"
cd_serves 2 && cd_serves 3 || fail "the survivors do not serve"
cd_cli 2 node list | grep -q "n1 .*down" || fail "node list does not say that node 1 is down"
lab_corosync_start 1
cd_start 1
cd_smbd 1 3
cd_wait "node 1 does not come back" 15 settled
step "node 1 is back"

# --- node 3 is cut off
lab_cut 3
cd_wait "the majority does not go on" 10 cd_view 1 'members=2'
fenced_before 3 1
cd_idle 3 || fail "the minority serves"
[ "$(cd_cli 3 --json cluster status | jq -r '"\(.serving) \(.quorate)"')" = "false false" ] || fail "the minority does not know what it is"
cd_cli 1 share create more --path /srv2 > /dev/null 2>&1
lab_heal 3
cd_wait "a healed node's old smbd is not sent away" 15 grep -q evicted "$HF_LAB/n3/smbd"
cd_smbd 3 3
cd_wait "a healed node does not come back" 10 settled
grep -q "shares=2" "$HF_LAB/n3/smbd" || fail "a healed node has the old configuration"
step "node 3 was cut off: it stopped before the others went on, and came back"

# --- node 2 is paused for longer than its lease, clusterd and smbd and corosync
pids=$(node_pids 2)
kill -STOP $pids
cd_wait "a paused node is not missed" 10 cd_view 1 'members=2'
t=$(boot_ns)
kill -CONT $pids
cd_wait "a woken node's smbd is not sent away" 15 grep -q evicted "$HF_LAB/n2/smbd"
woke=$(awk -v t="$t" '$1 > t && /serving yes/' "$HF_LAB/n2/smbd")
[ -z "$woke" ] || fail "a woken node served: $woke"
cd_smbd 2 3
cd_wait "a woken node does not come back" 10 settled
step "node 2 was paused and woken: it served nothing"

# --- clusterd alone is paused: its smbd runs out of its right
kill -STOP $(cd_pids 2 holdfast-clusterd)
cd_wait "smbd serves on without a fresh right" 5 cd_idle 2
kill -CONT $(cd_pids 2 holdfast-clusterd)
cd_wait "no service after clusterd was woken" 5 settled
step "a paused clusterd gives no right to serve"

# --- two of three die: the last one stops
kill -9 $(node_pids 2) $(node_pids 3)
cd_wait "a minority of one serves" 10 cd_idle 1
not_quorate() { cd_cli 1 cluster status | grep -q "^quorate: no"; }
cd_wait "cluster status of a minority" 10 not_quorate
for i in 2 3; do lab_corosync_start $i; cd_start $i; cd_smbd $i 3; done
sleep 1
grep -q evicted "$HF_LAB/n1/smbd" && cd_smbd 1 3
cd_wait "the cluster does not come back" 20 settled
step "two of three died: the last one stopped; all serve again, epoch $(cd_epoch 1)"

# --- corosync and clusterd stop in order
epoch=$(cd_epoch 1)
t=$(boot_ns)
kill -TERM $(cd_pids 3 fakesmbd)
kill -TERM $(cd_pids 3 holdfast-clusterd)
cd_wait "a node that left is not missed" 5 cd_view 1 'members=2'
step "node 3 left in order: view without it after $((($(cd_event 1 ' view ') - t) / 1000000)) ms"
