#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Records of the state store: listed, checked; one that is damaged keeps its slot closed, is named, and is moved
# aside when the operator says so, by the slot's owner or, while nobody owns it, by clusterd.
. "$(dirname "$0")/lab/test.sh"
test_begin
lab_up 1 || fail "no node"
lab_accounts
cp -f "$(find "$HF_BUILD" -type f -name spoil -perm -u+x | head -1)" "$HF_LAB/bin/spoil" || fail "no program spoil"
cd "$HF_LAB" || exit 1
login="client c connect $(lab_addr 1); c login ${HF_USER%%\%*} ${HF_USER#*%}; c tree $HF_CASHARE -> t"

hf() { lab_client timeout 60 "$HF_LAB/bin/hfclient" -e "$1" > out 2>&1; }
state() { lab_cli 1 --json state "$@" > state.json; }
# said STATUS JQ: the last state command's exit status, and what its output is
said() { [ "$1" = "$2" ] || { head -c 2000 state.json >&2; fail "exit status $1 in place of $2"; }; jq -e "$3" state.json > /dev/null || { head -c 2000 state.json >&2; fail "not so: $3"; }; }
spoil() { lab_exec 1 "$HF_LAB/bin/spoil" "lmdb:$HF_STORE" "$1" "$2" "$3" || fail "spoil"; }

state check
said $? 0 '.problems == 0 and .records == 0 and .slots == 1024'
files=700
script="$login"
for i in $(seq $files); do script+="; c create t f$i dh2q persistent disposition=open_if timeout=600000 -> h$i"; done
hf "$script" || { cat out >&2; fail "persistent opens"; }
state dump
said $? 0 "length == $files and all(.[]; .kind == \"open\" and .share == \"$HF_CASHARE\") and ([.[].key] | unique | length == $files)"
state check
said $? 0 ".problems == 0 and .records == $files"
lab_cli 1 --json open list > state.json
said 0 0 "length == $files and all(.[]; .user == \"alice\" and (.client | startswith(\"$HF_NET.$HF_CLIENT_HOST:\")))"
step "$files records listed, page by page, and checked"

slot=$(lab_cli 1 --json state dump | jq '.[] | select(.path == "f1") | .slot')
key=$(lab_cli 1 --json state dump | jq -r '.[] | select(.path == "f1") | .key')
other=$(lab_cli 1 --json state dump | jq -r "[.[] | select(.slot != $slot)][0].path")
spoil "$slot" "6f${key#o}" 'a cosmic ray'
state check
said $? 6 ".problems == 1 and .findings[0].slot == $slot and .findings[0].key == \"$key\" and .findings[0].problem == \"damaged\""
state repair
said $? 6 '.left == 1 and (.findings[0].action | startswith("left: its owner serves"))'
step "a damaged record is named; while its slot is served it is left alone"

lab_kill_smbd 1
sleep 1
lab_wait_view 1 30 || fail "smbd does not come back"
hf "$login; c create t $other disposition=open -> x expect FILE_NOT_AVAILABLE" || { cat out >&2; fail "another slot is closed, too"; }
hf "$login; async a c create t f1 disposition=open_if -> x; delay 3000; c cancel a; wait a expect ANY" 
grep -q "key=$key" n1/log/holdfast.log || fail "the log does not name the record"
state check
said $? 6 ".problems == 1 and .findings[0].key == \"$key\""
state repair
said $? 0 '.left == 0 and .aside == 1 and .findings[0].action == "moved aside by the owner of the slot"'
hf "$login; c create t f1 disposition=open_if -> x; c write x 0 hello; c close x" || { cat out >&2; fail "the slot is still closed"; }
state check
said $? 0 '.problems == 0 and .aside == 1'
state dump
said $? 0 "any(.[]; .aside and .slot == $slot and .key == \"q$key\" and .kind == \"damaged\" and .bytes == 12)"
step "the slot was closed; after a repair it serves, and the record is kept"

slot=$(jq '[.[] | select(.aside | not)][0].slot' state.json)
key=$(jq -r '[.[] | select(.aside | not)][0].key' state.json)
slot2=$(jq "[.[] | select((.aside | not) and .slot != $slot)][0].slot" state.json)
key2=$(jq -r "[.[] | select((.aside | not) and .slot != $slot)][0].key" state.json)
path2=$(jq -r "[.[] | select((.aside | not) and .slot != $slot)][0].path" state.json)
spoil "$slot" "6f${key#o}" $'\x08\x63'
spoil "$slot" "7a7a" stray
spoil "$slot2" "6f${key2#o}" --flip
lab_node_stop 1
(lab_close_fds; lab_enter n1 setsid "$HF_LAB/bin/holdfast-clusterd" --config n1/etc/node.yaml < /dev/null >> n1/log/noded.out 2>&1) &
disown
for _ in $(seq 100); do lab_cli 1 state check > /dev/null 2>&1; [ $? = 6 ] && break; sleep 0.1; done
state check
said $? 6 '.problems == 3 and ([.findings[].problem] | sort == ["damaged", "newer", "stray"])'
state repair
said $? 0 '.left == 0 and .aside == 4 and all(.findings[]; .action == "moved aside")'
state check
said $? 0 '.problems == 0 and .aside == 4'
step "records of slots that nobody owns are moved aside by clusterd"

# restore STATUS KEY [PATTERN]: what the command says
restore() {
	lab_cli 1 state restore "$2" > out 2>&1
	local r=$?
	[ $r = "$1" ] || { cat out >&2; fail "state restore $2: exit status $r, expected $1"; }
	[ -z "${3:-}" ] || grep -q "$3" out || { cat out >&2; fail "state restore $2 does not say '$3'"; }
}
state aside
said $? 0 'length == 4 and all(.[]; .aside) and ([.[].kind] | sort == ["damaged", "damaged", "newer", "stray"])'
restore 5 "q$key2" 'still cannot be read'
restore 5 "q$key" 'a newer release wrote it'
restore 5 "$(jq -r '.[] | select(.kind == "stray") | .key' state.json)" 'no release looks for'
restore 4 qo0000000000000000 'no record with this key'
restore 4 "$key2" 'no key of a record that was moved aside'
spoil "$slot2" "716f${key2#o}" --flip
state aside
said $? 0 "any(.[]; .key == \"q$key2\" and .kind == \"open\" and .path == \"$path2\")"
restore 0 "q$key2"
restore 4 "q$key2" 'no record with this key'
state check
said $? 0 '.problems == 0 and .aside == 3'
kill -TERM $(lab_pids_of n1 holdfast-clusterd)
step "a record that can be read again is put back; others are left where they are, with a reason"

while [ -n "$(lab_pids_of n1 holdfast-clusterd)" ]; do sleep 0.1; done
lab_node_start 1
lab_wait_view 1 30 || fail "the node does not come back"
hf "$login; c create t $path2 disposition=open -> x expect FILE_NOT_AVAILABLE" || { cat out >&2; fail "the open that was put back does not hold its file"; }
lab_cli 1 --json open list > state.json
said 0 0 "any(.[]; .path == \"$path2\" and .state == \"disconnected\")"
restore 5 "q$key" 'a newer release wrote it'
spoil "$slot" "716f${key#o}" 'x'
restore 5 "q$key" 'still cannot be read'
step "its owner knows it again"
