#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Many persistent handles with locks are open on node 1; its file server or the whole node is killed, and they are all
# reclaimed: on the same node, or on node 2. Measures how long there is no service (until each client has its first handle
# back, and until new files can be opened everywhere), and when the last handle is back; and the memory of the file server.
#
# usage: scale.sh smbd|kill HANDLES [RUNS]        WORKERS=4 TOKEN=1000 CLIENTS=10 LEASE=RWH scale.sh ...
# LEASE: every handle has a lease of its own in these states, has the same one after the reclaim, and whoever else opens the
# file waits until its holder has given way. DIRECTORIES=1: the handles are of directories (LEASE=RH): each client
# is told that these leases are over, since a change may have been missed, asks for them again and hears of a new name.
. "$(dirname "$0")/lab/test.sh"
SCENARIO=${1:?which scenario}
HANDLES=${2:?how many handles}
RUNS=${3:-3}
LAB=$(cd "$(dirname "$0")" && pwd)/lab.sh

TOKEN=${TOKEN:-1000}
# Corosync's own detection is the token and the consensus time, 1.2 times the token.
detection=$((TOKEN * 22 / 10))
case $SCENARIO in
smbd) event="$LAB kill-smbd 1" next=1 back=: aim=300 ;;
kill) event="$LAB kill 1" next=2 back="lab_start 1" aim=$((detection + 500 + HANDLES / 66)) ;;
*) fail "there is no scenario $SCENARIO" ;;
esac

test_begin
lab_up 3 || fail "three nodes do not come up"
lab_accounts
for run in $(seq "$RUNS"); do
	lab_client "$HF_LAB/bin/hfhandles" --address "$(lab_addr 1)" --next "$(lab_addr $next)" --share $HF_CASHARE \
		--user "${HF_USER%%\%*}" --password "${HF_USER#*%}" --handles "$HANDLES" --clients "${CLIENTS:-10}" \
		${LEASE:+--lease "$LEASE"} ${DIRECTORIES:+--directories} \
		--event "grep -h VmRSS /proc/$(lab_smbd_pid 1)/status > $HF_LAB/rss; $event" > "$HF_LAB/result" 2> "$HF_LAB/err" || {
		head -20 "$HF_LAB/err" >&2
		fail "run $run: a handle was lost, or its lock or lease"
	}
	jq .all_ms "$HF_LAB/result" >> "$HF_LAB/all"
	jq '[.each_ms, .service_ms] | max' "$HF_LAB/result" >> "$HF_LAB/service"
	step "$SCENARIO run $run: $(cat "$HF_LAB/result") $(tr -s '\t ' ' ' < "$HF_LAB/rss")"
	eval "$back"
	lab_wait_view 3 60 || fail "run $run: the cluster is not whole again"
	rm -rf "${HF_DATA:?}/$HF_CASHARE/hfhandles" # the names are new ones in the next run, too
	# noded holds a daemon back that dies within a second of its start, and on RADOS the next smbd has to connect first.
	sleep 3
done
read -r median max < <(median_max < "$HF_LAB/all")
read -r service worst < <(median_max < "$HF_LAB/service")
line="$HANDLES handles${DIRECTORIES:+ of directories}${LEASE:+ with leases $LEASE of ${CLIENTS:-10} clients}, $SCENARIO, $RUNS runs, token $TOKEN ms, ${WORKERS:-1} workers: service is back after median $service ms, maximum $worst ms (aim $aim), the last handle after $median and $max ms"
step "$line"
[ -z "${OUT:-}" ] || echo "$line" >> "$OUT/failover.txt"
# The aim is for a quiet machine; a machine under test is a busy one.
[ "$service" -le $((aim + 5000)) ] || fail "median $service ms without service"
[ "$median" -le $((aim + 5000 + HANDLES / 20)) ] || fail "the last handle is back after $median ms"
