#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A cluster whose records are in RADOS: what an open asks of the OSDs, OSDs that are away, and who is fenced.
. "$(dirname "$0")/lab/test.sh"
PEER=$(cd "$(dirname "$0")" && pwd)
STORE=rados CEPH_OSDS=${CEPH_OSDS:-3}
test_begin
lab_up 3 || fail "three nodes do not come up"
lab_accounts
log() { cat "$HF_LAB/n$1/log/holdfast.log"; }

trips() {
	lab_client "$PEER/peer/trips.py" --server "$(lab_addr 1)" --share $HF_CASHARE --user "$HF_USER" "$@" \
		"$HF_LAB"/ceph/run/osd.*.asok > "$HF_LAB/out" 2>&1
}
trips || { cat "$HF_LAB/out" >&2; fail "an open or a close is not one operation"; }
step "$(cat "$HF_LAB/out")"

# address I: of the client of Ceph of node I's smbd, as its run enrolled it
address() {
	CEPH_CONF=$HF_LAB/ceph/ceph.conf lab_client rados -p holdfast -N lab listomapkeys clients | grep "^$1\." | cut -d' ' -f2
}
blocklisted() { lab_ceph_mon '{"prefix":"osd blocklist ls"}' | grep -qF "$1"; }
# serves I: a client opens a file on node I
serves() {
	lab_client timeout 20 smbclient "//$(lab_addr "$1")/$HF_CASHARE" -U "$HF_USER" -c 'put /etc/hostname there; del there' > "$HF_LAB/out" 2>&1
}
again() {
	local i
	for i in $(seq 100); do
		serves "$1" && return
		sleep 0.2
	done
	cat "$HF_LAB/out" >&2
	fail "node $1 does not serve"
}

old=$(address 1)
[ -n "$old" ] || fail "node 1's smbd has left no address"
blocklisted "$old" && fail "$old is blocklisted from the start"
epoch() { set -- $(lab_view 2); echo "$1"; }
lab_wait_view 3 || fail "the nodes do not serve"
before=$(epoch)
lab_kill_smbd 1
for i in $(seq 100); do [ "$(epoch)" = "$before" ] || break; sleep 0.05; done
lab_wait_view 3 || fail "node 1 does not come back"
[ "$(epoch)" = $((before + 1)) ] || fail "the smbd that stood by came by the views $before to $(epoch), not by one"
again 1
new=$(address 1)
blocklisted "$old" || fail "the killed run's address $old is not blocklisted"
[ -n "$new" ] && [ "$new" != "$old" ] || fail "the new run has the address $new, the old one had $old"
blocklisted "$new" && fail "the new run is blocklisted"
step "a run that was killed is fenced ($old), the next one is not ($new)"

# Fenced while it lives: at the first answer of Ceph it is over, and comes back with another client. What it was granted by
# OSDs before they heard of it still counts, as those who claim its slots have every OSD hear of it first. Records are
# written by the owner of the file: of so many files some are this node's.
lab_ceph_mon "{\"prefix\":\"osd blocklist\",\"blocklistop\":\"add\",\"addr\":\"$new\"}" > /dev/null || fail "osd blocklist add"
epoch=$(lab_ceph_mon '{"prefix":"osd dump","format":"json"}' | jq .epoch)
"$PEER/peer/osd.py" "$epoch" "$HF_LAB"/ceph/run/osd.*.asok || fail "the OSDs do not hear of the blocklist"
if trips --count 64 --files 64 && [ "$(address 1)" = "$new" ]; then fail "a fenced node grants a persistent open"; fi
lab_wait_view 3 || fail "node 1 does not come back"
again 1
log 1 | grep -q 'Ceph has blocklisted this client' || fail "no word of the blocklist in the log"
log 1 | grep -q 'this incarnation is over: why="was fenced"' || fail "the fenced run did not end"
step "a run that is fenced while it lives answers nothing, ends, and its successor serves"

for i in $(seq 0 $((CEPH_OSDS - 1))); do lab_ceph_kill "osd.$i"; done
lab_client timeout 60 /usr/bin/python3 - "$PEER/peer" "$(lab_addr 2)" $HF_CASHARE "$HF_USER" > "$HF_LAB/waited" 2>&1 <<'END' &
import os, sys, time
sys.path.insert(0, sys.argv[1])
import smb2
name, _, password = sys.argv[4].partition("%")
c = smb2.Client(sys.argv[2], sys.argv[3], name, password, timeout=50, guid=os.urandom(16))
begin = time.monotonic()
c.close(c.open_persistent("waits", os.urandom(16)))
print(int(time.monotonic() - begin))
END
opener=$!
sleep 8
lab_ceph_start $(seq -f osd.%g 0 $((CEPH_OSDS - 1)))
wait $opener || { cat "$HF_LAB/waited" >&2; fail "an open during an outage of the OSDs fails"; }
[ "$(cat "$HF_LAB/waited")" -ge 5 ] || fail "the open did not wait: $(cat "$HF_LAB/waited") s"
cat "$HF_LAB"/n*/log/holdfast.log | grep -q 'Ceph does not answer' || fail "no word of the outage in the log"
step "an open during an outage of all OSDs waits ($(cat "$HF_LAB/waited") s) and is granted"

# Runs that begin, enrol and end while no view can be had leave nothing behind.
enrolled() { CEPH_CONF=$HF_LAB/ceph/ceph.conf lab_client rados -p holdfast -N lab listomapkeys clients; }
began() { log 1 | grep -c 'known to the cluster'; }
lab_kill 2
lab_kill 3
for _ in 1 2; do
	n=$(began)
	lab_kill_smbd 1
	for i in $(seq 200); do [ "$(began)" = "$n" ] || break; sleep 0.1; done
	[ "$(began)" -gt "$n" ] || fail "no smbd begins on node 1 without quorum"
	sleep 0.5
done
lab_start 2
lab_start 3
lab_wait_view 3 60 || fail "the nodes do not come back"
for i in $(seq 50); do [ "$(enrolled | wc -l)" = 3 ] && break; sleep 0.2; done
[ "$(enrolled | wc -l)" = 3 ] || fail "runs that are over stay enrolled: $(enrolled | tr '\n' ' ')"
step "runs that were in no view are forgotten when they end"
