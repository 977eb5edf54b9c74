#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Something happens to node 1 under load, again and again; each run's history is judged, and the time
# without service is measured.
#
# usage: failover.sh SCENARIO [RUNS]        WORKERS=4 TOKEN=1000 failover.sh ...
#   smbd       the file server is killed; its clients come back to the same address
#   smbd-next  the same; they go to the next node at once
#   kill       the whole node is killed (its connections are reset)
#   poweroff   the whole node is gone without a packet
#   cut        the node lives but is cut off from the network, and healed later
#   pause      the node is stopped for longer than its right to serve, and woken
#   drain      the operator has the slots handed over, and back again later; nobody's connection breaks
#   stop       the node is stopped in order
. "$(dirname "$0")/lab/test.sh"
. "$HF_LAB_HOME/lab/workload.sh"
SCENARIO=${1:?which scenario}
RUNS=${2:-3}
LAB=$HF_LAB_HOME/lab.sh

TOKEN=${TOKEN:-1000}
# Corosync's own detection is the token and the consensus time, 1.2 times the token.
detection=$((TOKEN * 22 / 10))
more=()
case $SCENARIO in
smbd) event="$LAB kill-smbd 1" aim=300 more=(--reconnect same) back=: ;;
smbd-next) event="$LAB kill-smbd 1" aim=300 back=: ;;
kill) event="$LAB kill 1" aim=$((detection + 500)) back="lab_start 1" more=(--without 1) ;;
poweroff) event="$LAB poweroff 1" aim=$((detection + 500)) back="lab_heal 1; lab_start 1" more=(--without 1) ;;
cut) event="$LAB cut 1" aim=$((detection + 500)) back=:
	more=(--without 1 --after "sleep 2; $LAB heal 1" --settle 4) ;;
pause) event="$LAB pause 1" aim=$((detection + 500)) back=:
	more=(--without 1 --after "sleep 3; $LAB cont 1" --settle 4) ;;
drain) event="$LAB cli 1 node drain n1 && sleep 0.5 && $LAB cli 2 --json open list | jq -e 'length > 0 and all(.[]; .node != \"n1\")' > /dev/null"
	aim=500 back=:
	more=(--after "sleep 1; $LAB cli 1 node resume n1" --settle 2) ;;
stop) event="$LAB stop 1" aim=500 back="lab_start 1" more=(--without 1) ;;
*) fail "there is no scenario $SCENARIO" ;;
esac
# A hard limit that no run may pass: far beyond the aim, since machines under test are busy ones.
limit=$((aim + 5000))

test_begin
lab_up 3 || fail "three nodes do not come up"
lab_accounts
for run in $(seq "$RUNS"); do
	clients_work "run $run" --prefix "r$run-" --event "$event" "${more[@]}"
	out=$(jq .outage_ms "$HF_LAB/result")
	jq .outage_ms "$HF_LAB/result" >> "$HF_LAB/outages"
	jq .outage_others_ms "$HF_LAB/result" >> "$HF_LAB/others"
	step "$SCENARIO run $run: $out ms without service, others $(tail -1 "$HF_LAB/others") ms," \
		"$(jq .writes "$HF_LAB/result") writes, $(jq .reclaims "$HF_LAB/result") reclaims"
	[ "$out" -le $limit ] || clients_failed "run $run" "$out ms without service (the limit is $limit)"
	eval "$back"
	lab_wait_view 3 60 || clients_failed "run $run" "the cluster is not whole again"
done
read -r median max < <(median_max < "$HF_LAB/outages")
read -r omedian omax < <(median_max < "$HF_LAB/others")
line="$SCENARIO, $RUNS runs, token $TOKEN ms, ${WORKERS:-1} workers: median $median ms, maximum $max ms without service (aim $aim)"
line="$line; clients of other nodes: median $omedian, maximum $omax"
step "$line"
[ -z "${OUT:-}" ] || echo "$line" >> "$OUT/failover.txt"
