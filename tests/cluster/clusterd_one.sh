#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# clusterd on one node: the operator's commands, the death and return of smbd, of clusterd and of corosync.
. "$(dirname "$0")/lab/test.sh"
. "$(dirname "$0")/lab/clusterd.sh"
test_begin

expect() { # STATUS COMMAND...
	local want=$1 got
	shift
	"$@" > "$HF_LAB/out" 2> "$HF_LAB/err"
	got=$?
	[ $got = "$want" ] || { cat "$HF_LAB/out" "$HF_LAB/err" >&2; fail "status $got, not $want: $*"; }
}
says() { grep -Eq -- "$1" "$HF_LAB/out" "$HF_LAB/err" || { cat "$HF_LAB/out" "$HF_LAB/err" >&2; fail "it does not say \"$1\""; }; }

lab_up 1 --corosync-only || fail "no corosync"
cd_programs

expect 3 cd_cli 1 cluster status
says "not reachable"
lab_corosync_stop 1
cd_start 1
cd_wait "no operator's socket" 5 cd_cli 1 cluster status
expect 1 cd_cli 1 share list
says "start corosync"
lab_corosync_start 1
cd_wait "clusterd does not find corosync" 10 cd_cli 1 share list
step "clusterd waited for corosync"

cd_smbd 1 250
cd_wait "a single node does not serve" 5 cd_serves 1
expect 0 cd_cli 1 --json cluster status
[ "$(jq -r '"\(.serving) \(.quorate) \(.members|length)"' "$HF_LAB/out")" = "true true 1" ] || fail "cluster status: $(cat "$HF_LAB/out")"
expect 0 cd_cli 1 cluster status
says "^serving: yes"
says "n1 .*up .*running"
step "it serves"

# --- shares
expect 0 cd_cli 1 share create daten --path /srv/daten --continuously-available --comment "Für alle"
says "not a directory on this node"
expect 5 cd_cli 1 share create DATEN --path /x
expect 2 cd_cli 1 share create x
expect 2 cd_cli 1 share create "a/b" --path /x
expect 2 cd_cli 1 share create x --path relative
expect 2 cd_cli 1 share create x --path /a --nonsense 1
expect 2 cd_cli 1 share create 'ipc$' --path /a
expect 0 cd_cli 1 share create "Größe ☃" --path /srv
expect 0 cd_cli 1 --json share list
[ "$(jq -r '.[0].name, .[0].continuously_available, .[1].name' "$HF_LAB/out" | paste -sd,)" = "daten,true,Größe ☃" ] || fail "share list: $(cat "$HF_LAB/out")"
expect 0 cd_cli 1 share set Daten --read-only --users anna,bob
expect 0 cd_cli 1 share show daten
says "^read only: yes"
says "^users: anna,bob"
says "^comment: Für alle"
expect 4 cd_cli 1 share set nothere --read-only
expect 0 cd_cli 1 share delete "größe ☃"
expect 4 cd_cli 1 share delete "größe ☃"
cd_wait "smbd did not learn of the share" 2 grep -q "config .* shares=1 " "$HF_LAB/n1/smbd"
step "shares"

# --- users
expect 0 cd_cli 1 user add anna --password-stdin <<< "Geheim 1"
expect 2 cd_cli 1 user add bob --password-stdin < /dev/null
expect 0 cd_cli 1 --json user add bob --uid 2000 --gid 2001 --groups 7,8 --password-stdin <<< "x"
[ "$(jq -r '"\(.name) \(.uid) \(.gid) \(.groups|join(",")) \(.nt_hash)"' "$HF_LAB/out")" = "bob 2000 2001 7,8 null" ] || fail "user add: $(cat "$HF_LAB/out")"
expect 5 cd_cli 1 user add Anna --password-stdin <<< "x"
expect 2 cd_cli 1 user add carl --groups zero --password-stdin <<< "x"
expect 0 cd_cli 1 --json user list
[ "$(jq -r '.[0] | "\(.name) \(.uid) \(.gid)"' "$HF_LAB/out")" = "anna 100000 100000" ] || fail "user list: $(cat "$HF_LAB/out")"
jq -e '.[0].sid | test("^S-1-5-21-[0-9]+-[0-9]+-[0-9]+-1000$")' "$HF_LAB/out" > /dev/null || fail "sid: $(cat "$HF_LAB/out")"
expect 0 cd_cli 1 user disable bob
expect 0 cd_cli 1 user show bob
says "^disabled: yes"
expect 0 cd_cli 1 user enable bob
expect 0 cd_cli 1 user passwd bob --password-stdin <<< "neu"
expect 4 cd_cli 1 user passwd nobody --password-stdin <<< "neu"
expect 0 cd_cli 1 user delete bob
cd_wait "smbd did not learn of the users" 2 grep -q "config .* users=1 " "$HF_LAB/n1/smbd"
step "users"

# --- settings
expect 0 cd_cli 1 config get max_sessions
says "^64$"
expect 0 cd_cli 1 config set max_sessions=77
expect 0 cd_cli 1 config get max_sessions
says "^77$"
expect 2 cd_cli 1 config set max_sessions=0
expect 2 cd_cli 1 config set unknown=1
expect 2 cd_cli 1 config set slots=16
expect 4 cd_cli 1 config get unknown
expect 0 cd_cli 1 --json config list
jq -e 'map(select(.key=="lease")) | length == 1' "$HF_LAB/out" > /dev/null || fail "config list"
cd_wait "smbd did not learn of the setting" 2 grep -q "max_sessions=77" "$HF_LAB/n1/smbd"
step "settings"

# --- listings, of several pages
for what in session open lock; do
	expect 0 cd_cli 1 --json $what list
	[ "$(jq length "$HF_LAB/out")" = 250 ] || fail "$what list has $(jq length "$HF_LAB/out") rows, not 250"
	[ "$(jq -r '.[249].node' "$HF_LAB/out")" = n1 ] || fail "$what list names no node"
done
expect 0 cd_cli 1 open list
says "a/b"
step "listings"

# --- smbd dies
old=$(grep ' ready ' "$HF_LAB/n1/smbd" | sed 's/.*=//')
kill -9 $(cd_pids 1 fakesmbd)
cd_wait "the death of smbd is not seen" 2 sh -c "$HF_LAB/bin/holdfast --version; tail -3 $HF_LAB/n1/log/clusterd.log | grep -q 'view: .*1:0000000000000000'"
cd_smbd 1 1
cd_wait "a new smbd does not serve" 5 cd_serves 1
new=$(grep ' ready ' "$HF_LAB/n1/smbd" | sed 's/.*=//')
[ "$old" != "$new" ] || fail "a new smbd has the incarnation of the old one"
step "smbd died, the next one has a new incarnation"

# --- a second smbd
cp "$HF_LAB/n1/smbd" "$HF_LAB/first"
lab_exec 1 timeout 1 "$HF_LAB/bin/fakesmbd" /run/holdfast > "$HF_LAB/second" 2> /dev/null
! grep -q ready "$HF_LAB/second" || fail "a second smbd was admitted"
cd_serves 1 || fail "a second smbd disturbed the first"
step "a second smbd is refused"

# --- clusterd dies
epoch=$(cd_epoch 1)
kill -9 $(cd_pids 1 holdfast-clusterd)
sleep 0.2
cd_serves 1 || fail "smbd stopped as soon as clusterd died"
cd_start 1
sleep 2.5
cd_serves 1 || { tail -5 "$HF_LAB/n1/smbd"; fail "smbd does not serve after clusterd was started anew"; }
[ "$(cd_epoch 1)" = "$epoch" ] || fail "a restart of clusterd made a new view"
step "clusterd was killed and restarted: no new view, $(grep -c 'serving no' "$HF_LAB/n1/smbd") interruptions"
kill -9 $(cd_pids 1 holdfast-clusterd)
cd_wait "smbd goes on without clusterd" 4 cd_idle 1
cd_start 1
cd_wait "smbd does not come back" 5 sh -c "grep -q evicted $HF_LAB/n1/smbd || tail -1 $HF_LAB/n1/smbd | grep -q 'serving yes'"
step "without clusterd smbd stopped at the end of its lease"

# --- a second clusterd
expect 1 lab_exec 1 "$HF_LAB/bin/holdfast-clusterd" --config "$HF_LAB/n1/etc/node.yaml"
grep -q "another holdfast-clusterd runs" "$HF_LAB/n1/log/clusterd.log" || fail "a second clusterd does not say why it ends"

# --- corosync dies
kill -9 $(cd_pids 1 corosync)
cd_wait "clusterd does not notice the death of corosync" 2 grep -q "connection to corosync is lost" "$HF_LAB/n1/log/clusterd.log"
lab_corosync_start 1
cd_wait "no service after corosync came back" 15 sh -c "$HF_LAB/bin/holdfast --version; tail -1 $HF_LAB/n1/smbd | grep -q 'serving yes'"
step "corosync died and came back"

# --- restart of everything: the epoch grows on, the configuration is there
epoch=$(cd_epoch 1)
kill -TERM $(cd_pids 1 fakesmbd)
kill -TERM $(cd_pids 1 holdfast-clusterd)
cd_wait "clusterd does not end on SIGTERM" 5 sh -c "! pgrep -x holdfast-cluste -F /dev/null; sleep 0.3"
[ -z "$(cd_pids 1 holdfast-clusterd)" ] || fail "clusterd does not end on SIGTERM"
cd_start 1
cd_wait "no clusterd" 5 cd_cli 1 share list
cd_smbd 1 1
cd_wait "no service after a restart" 5 cd_serves 1
[ "$(cd_epoch 1)" -gt "$epoch" ] || fail "the epoch did not grow over a restart"
expect 0 cd_cli 1 share show daten
step "after a restart: epoch $epoch -> $(cd_epoch 1), configuration kept"
