#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a node says to a configuration that cannot work. What noded itself sees ends it at once, with a
# status; everything is one sentence that names the culprit, and nothing is left running.
. "$(dirname "$0")/lab/test.sh"
test_begin
lab_up 1 --corosync-only || fail "no lab"
lab_programs
lab_shared_state
lab_node_conf 1
good=$HF_LAB/n1/etc/node.yaml
bad=$HF_LAB/bad.yaml

# refused WORD WHAT: noded with bad.yaml ends with a failure and says WORD
refused() {
	local rc
	lab_exec 1 timeout -k 2 15 "$HF_LAB/bin/holdfast-noded" --config "$bad" --libexec "$HF_LAB/bin" \
		> "$HF_LAB/out" 2>&1
	rc=$?
	case $rc in
	0|124|137) cat "$HF_LAB/out" >&2; fail "$2: exit status $rc" ;;
	esac
	[ $rc -lt 128 ] || { cat "$HF_LAB/out" >&2; fail "$2: noded crashed ($rc)"; }
	grep -qi -- "$1" "$HF_LAB/out" || { cat "$HF_LAB/out" >&2; fail "$2: nothing says '$1'"; }
	[ "$(wc -l < "$HF_LAB/out")" -le 3 ] || { cat "$HF_LAB/out" >&2; fail "$2: that is no one sentence"; }
	[ -z "$(lab_pids_named n1 | grep -x 'holdfast.*')" ] || fail "$2: a daemon was left behind"
	step "$2: $(tail -1 "$HF_LAB/out")"
}
# complains WORD WHAT: what a daemon finds wrong while it starts; noded tries it again, or gives up
complains() {
	local pid rc p found=''
	lab_exec 1 timeout -k 2 30 "$HF_LAB/bin/holdfast-noded" --config "$bad" --libexec "$HF_LAB/bin" \
		> "$HF_LAB/out" 2>&1 &
	pid=$!
	for _ in $(seq 100); do
		grep -qi -- "$1" "$HF_LAB/out" && { found=1; break; }
		[ -e "/proc/$pid" ] || break
		sleep 0.1
	done
	# the node's own supervisor: what we started is only the way into its namespaces
	for p in $(lab_pids_of n1 holdfast-noded); do kill -TERM "$p" 2>/dev/null; done
	wait $pid
	rc=$?
	[ -n "$found" ] || grep -qi -- "$1" "$HF_LAB/out" || { cat "$HF_LAB/out" >&2; fail "$2: nothing says '$1'"; }
	[ $rc -lt 128 ] || [ $rc = 143 ] || { cat "$HF_LAB/out" >&2; fail "$2: noded crashed ($rc)"; }
	grep -qiE 'signal 11|signal 6|SIGSEGV|SIGABRT|assert' "$HF_LAB/out" && { cat "$HF_LAB/out" >&2; fail "$2: a daemon crashed"; }
	[ -z "$(lab_pids_named n1 | grep -x 'holdfast.*')" ] || fail "$2: a daemon was left behind"
	step "$2: $(grep -i -m1 -- "$1" "$HF_LAB/out" | cut -c1-200)"
}
# with SED_SCRIPT: bad.yaml is the good one, edited, logging to stderr
with() { sed -e 's|^log: .*|log: stderr|' -e "$1" "$good" > "$bad"; }

rm -f "$bad"
refused bad.yaml "a missing file"
with '$acolour: blue'
refused colour "an unknown key"
with 's/^workers: .*/workers: 5s/'
refused workers "a bad unit"
with 's/^workers: .*/workers: 100000/'
refused workers "a number out of range"
with 's/^port: .*/port: 70000/'
refused port "a port out of range"
with 's/^addresses: .*/addresses: [10.77.0.300]/'
refused 10.77.0.300 "a bad address"
with 's/^rpc_address: .*/rpc_address: 10.77.0.1/'
refused port "an address for other nodes without a port"
with 's/^node_id: .*//'
refused node_id "a missing key"
with 's/^name: .*/name: [/'
refused 'bad.yaml' "broken YAML"
with 's|^store: .*|store: floppy:/dev/fd0|'
complains floppy "an unknown kind of store"
with "s|^cluster_key_file: .*|cluster_key_file: $HF_LAB/none.key|"
complains none.key "a missing cluster key"
: > "$HF_LAB/empty.key"
with "s|^cluster_key_file: .*|cluster_key_file: $HF_LAB/empty.key|"
complains empty.key "an empty cluster key"
: > "$HF_LAB/file"
with "s|^store: .*|store: lmdb:$HF_LAB/file/store|"
complains "$HF_LAB/file/store" "a store below a file"
mkdir "$HF_LAB/foreign"
head -c 100000 /dev/urandom > "$HF_LAB/foreign/data.mdb"
with "s|^store: .*|store: lmdb:$HF_LAB/foreign|"
complains "$HF_LAB/foreign" "a foreign store"
with 's/^node_id: .*/node_id: 7/'
complains 7 "a node id that corosync does not have"
