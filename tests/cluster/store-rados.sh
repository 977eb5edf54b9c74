#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The state store on a real Ceph: what every backend must do, fencing, the sentences for the operator, and OSDs that
# are killed under load. Arguments are the steps to run (default: all).
. "$(dirname "$0")/lab/test.sh"
test_begin
HF_BUILD=${HF_BUILD:-$(cd "$HF_LAB_HOME/../.." && pwd)/build}
prog=$(find "$HF_BUILD" -type f -name test_rados -perm -u+x 2>/dev/null | head -1)
[ -n "$prog" ] || fail "no test_rados under $HF_BUILD: build the tree first (make), or set HF_BUILD"
cp "$prog" "$HF_LAB/test_rados" || fail "cannot copy $prog"
wanted=" $* "
want() { [ "$wanted" = "  " ] || [[ "$wanted" == *" $1 "* ]]; }

CEPH_OSDS=${CEPH_OSDS:-3} lab_ceph_alone
c=$HF_LAB/ceph
lab_ceph_pool holdfast
lab_ceph_user hf 'allow r, allow command "osd blocklist"' 'allow rw pool=holdfast, allow rw pool=once, allow rw pool=ec'
lab_ceph_user poor 'allow r' 'allow rw pool=holdfast'
lab_ceph_user reader 'allow r, allow command "osd blocklist"' 'allow r pool=holdfast'
sed 's/key = .*/key = AQBLvWFlAAAAABAAeQQ0ZzBQm0pVbkfCdm5tXA==/' "$c/client.hf.keyring" > "$c/wrong.keyring"

# url NAMESPACE [POOL [USER [KEYRING]]]
url() { echo "rados:${2:-holdfast}/$1?conf=$c/ceph.conf&id=${3:-hf}&keyring=${4:-$c/client.${3:-hf}.keyring}"; }
run() { lab_client timeout 120 "$HF_LAB/test_rados" "$@"; }

# says SENTENCE URL [make]: opening fails with this sentence, and soon
says() {
	local out t
	t=$(now_ms)
	out=$(run open "${@:2}" 2> "$HF_LAB/err") && fail "a store opens at $2"
	[[ "$out" == *"$1"* ]] || fail "opening $2 says: $out; it should say: $1"
	t=$(($(now_ms) - t))
	[ $t -lt 25000 ] || fail "opening $2 takes $t ms to fail"
	step "$t ms: $out"
}

if want cases; then
	step "what every backend must do, and fencing"
	run "$(url cases)" > "$HF_LAB/out" 2>&1 || { cat "$HF_LAB/out" >&2; fail "see above"; }
	grep -c '\[       OK' "$HF_LAB/out"
fi

if want bench; then
	step "what it takes"
	run bench "$(url bench)" || fail "measuring fails"
fi

if want sentences; then
	step "what the operator reads"
	says "is not understood" "rados:/x"
	says "there is no pool 'nowhere'" "$(url x nowhere)"
	says "holds no state store yet" "$(url x)"
	says "cannot be read as Ceph's configuration" "rados:holdfast?conf=$HF_LAB/none.conf"
	says "the keyring $HF_LAB/none cannot be read" "$(url x holdfast hf "$HF_LAB/none")"
	says "refuses the key of client.hf" "$(url x holdfast hf "$c/wrong.keyring")"
	says "Ceph refuses the key of client.ghost" "$(url x holdfast ghost "$c/client.hf.keyring")"
	says "may not fence" "$(url poor holdfast poor)" make
	says "may not read and write" "$(url reader holdfast reader)" make
	if [ "${CEPH_OSDS:-3}" -ge 3 ]; then
		lab_ceph_pool_ec ec
		says "is erasure-coded" "$(url x ec)" make
	fi
	CEPH_CONF=$c/ceph.conf lab_client rados -p holdfast -N other put thing /etc/hostname
	says "not a Holdfast state store" "$(url other)" make
	sed 's/:3300/:3301/' "$c/ceph.conf" > "$c/deaf.conf"
	says "no monitor of Ceph answers" "rados:holdfast?conf=$c/deaf.conf&id=hf&keyring=$c/client.hf.keyring"
fi

# load SECONDS: in the background; its output in $HF_LAB/load, its log in $HF_LAB/load.log
load_begin() {
	run load "$(url "load$RANDOM")" "$1" > "$HF_LAB/load" 2> "$HF_LAB/load.log" &
	load=$!
	for _ in $(seq 100); do
		grep -q begun "$HF_LAB/load" && return
		sleep 0.1
	done
	cat "$HF_LAB/load" "$HF_LAB/load.log" >&2
	fail "the load does not begin"
}
load_end() {
	wait $load || { cat "$HF_LAB/load" "$HF_LAB/load.log" >&2; fail "writes were lost or refused"; }
	step "$(tail -1 "$HF_LAB/load")"
}

if want osd; then
	step "one OSD of ${CEPH_OSDS:-3} is killed under load, and comes back"
	load_begin 8
	sleep 1
	lab_ceph_kill osd.0
	sleep 3
	lab_ceph_start osd.0
	load_end
fi

if want outage; then
	step "every OSD is away for 10 s: writes wait, nothing is lost"
	load_begin 16
	sleep 1
	for i in $(seq 0 $((${CEPH_OSDS:-3} - 1))); do lab_ceph_kill "osd.$i"; done
	says "does not answer" "$(url x)" make # takes 10 s
	lab_ceph_start $(seq -f osd.%g 0 $((${CEPH_OSDS:-3} - 1)))
	load_end
	[ "$(grep -c 'Ceph does not answer' "$HF_LAB/load.log")" = 1 ] || { cat "$HF_LAB/load.log" >&2; fail "not one line of the outage"; }
	[ "$(grep -c 'Ceph answers again' "$HF_LAB/load.log")" = 1 ] || { cat "$HF_LAB/load.log" >&2; fail "not one line of its end"; }
	grep -o 'state store: .*' "$HF_LAB/load.log"
fi

if want full; then
	step "the pool is full: nothing waits, new slots are refused, known ones go on"
	run load "$(url full)" 1 > "$HF_LAB/load" || { cat "$HF_LAB/load" >&2; fail "the load before"; }
	lab_ceph_mon '{"prefix":"osd set-nearfull-ratio","ratio":0.000001}' '{"prefix":"osd set-backfillfull-ratio","ratio":0.000002}' \
		'{"prefix":"osd set-full-ratio","ratio":0.000003}' > /dev/null
	full() { lab_ceph_mon '{"prefix":"osd dump"}' | grep -qE "^pool .* 'holdfast' .* flags [a-z_,]*\bfull\b"; }
	for _ in $(seq 100); do
		full && break
		sleep 0.2
	done
	full || { lab_ceph_mon '{"prefix":"osd dump"}' >&2; fail "the pool does not become full"; }
	run load "$(url full)" 1 > "$HF_LAB/load" || { cat "$HF_LAB/load" >&2; fail "a known slot of a full pool cannot be written"; }
	step "$(tail -1 "$HF_LAB/load")"
	says "is full" "$(url another)" make
fi
step "done"
