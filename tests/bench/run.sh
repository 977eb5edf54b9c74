#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Holdfast beside Debian's Samba: the same machine, the same run, the same kind of directory, in turns (A B A B ...).
# Prints the median of each, and their ratio, as a table for doc/performance.md.
#
# usage: run.sh [ROUNDS]      SECONDS_EACH=3 WORKERS=2 run.sh 5
# environment: ONLY=WORD measures only the rows whose names contain WORD
. "$(dirname "$0")/../cluster/lab/test.sh"
HF_TEST=bench
ROUNDS=${1:-3}
WORKERS=${WORKERS:-$(nproc)}
test_begin
lab_up 1 || fail "one node does not come up"
lab_accounts
# Samba is a machine of its own in the same lab: the client's bridge, another address, the same file system.
echo "$HF_NET.100 peer.lab.test peer" >> "$HF_LAB/hosts" # a resolver that fails would slow its session set-up
lab_hold peer
lab_in switch sh -ec "ip link add peer type veth peer name eth0 netns $(lab_holder peer); ip link set peer master br0 up"
lab_in peer sh -ec "ip link set lo up; ip addr add $HF_NET.100/24 dev eth0; ip link set eth0 up"
lab_samba_start peer
smbd=$(lab_pids_of n1 holdfast-smbd)
samba=$(lab_pids_of peer smbd | sort -n | head -1)

# one WHO ARGS...: one measurement as JSON
one() {
	local who=$1 address=$HF_NET.1 user=${HF_USER%%\%*} password=${HF_USER#*%} share=$HF_SHARE pid=$smbd
	shift
	case "$who $*" in
	samba*) address=$HF_NET.100 user=root password=samba share=data pid=$samba ;;
	*persistent*) share=$HF_CASHARE ;;
	esac
	lab_client "$HF_LAB/bin/hfbench" --address "$address" --user "$user" --password "$password" --share "$share" \
		--server-pid "$pid" --seconds "${SECONDS_EACH:-3}" --json "$@" 2>> "$HF_LAB/n1/log/hfbench" ||
		fail "hfbench against $who: $(tail -1 "$HF_LAB/n1/log/hfbench")"
}

# row NAME UNIT ARGS...
row() {
	local name=$1 unit=$2 i
	shift 2
	[[ $name == *"${ONLY:-}"* ]] || return 0
	: > "$HF_LAB/ours"
	: > "$HF_LAB/theirs"
	for i in $(seq "$ROUNDS"); do
		one holdfast "$@" >> "$HF_LAB/ours"
		[[ "$*" == *persistent* ]] || one samba "$@" >> "$HF_LAB/theirs"
	done
	jq -nr --arg n "$name" --arg u "$unit" --slurpfile o "$HF_LAB/ours" --slurpfile t "$HF_LAB/theirs" '
		def median: sort | if length == 0 then null else .[(length - 1) / 2 | floor] end;
		def value: if $u == "MB/s" then .mb_per_s else .ops_per_s end;
		def show: if . == null then "-" else (round | tostring) end;
		def lat: if length == 0 then "-" else
			(map(.p50_us) | median | show) + " / " + (map(.p99_us) | median | show) end;
		def cpu: if length == 0 then "-" else map(.server_cpu_us_per_op) | median | show end;
		($o | map(value) | median) as $a | ($t | map(value) | median) as $b |
		"| \($n) | \($u) | \($a | show) | \($b | show) | " +
		(if $b == null or $b == 0 then "-" else ($a / $b * 100 | round / 100 | tostring) end) +
		" | \($o | lat) | \($t | lat) | \($o | cpu) | \($t | cpu) |"' || fail "the row $name"
}

echo "$(nproc) processors, kernel $(uname -r), Samba $(smbd --version | awk '{print $2}'), $WORKERS workers;" \
	"median of $ROUNDS rounds of ${SECONDS_EACH:-3} s each. Client and servers share the processors."
echo
echo "| what | unit | Holdfast | Samba | ratio | us p50 / p99 | Samba's | server CPU us | Samba's |"
echo "|---|---|--:|--:|--:|--:|--:|--:|--:|"
row "open and close, 1 connection" "1/s" --mode open-close
row "open and close, 1 connection, depth 16" "1/s" --mode open-close --depth 16
row "open and close, 8 connections" "1/s" --mode open-close --connections 8
row "persistent open and close, 1 connection" "1/s" --mode persistent-open-close
row "persistent open and close, 8 connections" "1/s" --mode persistent-open-close --connections 8
row "persistent open and close, 8 connections, depth 16" "1/s" --mode persistent-open-close --connections 8 --depth 16
row "echo, 1 connection" "1/s" --mode echo
row "session set-up, 1 connection" "1/s" --mode session
row "read 4 KiB, depth 1" "1/s" --mode read --size 4k
row "read 4 KiB, depth 16" "1/s" --mode read --size 4k --depth 16
row "write 4 KiB, depth 1" "1/s" --mode write --size 4k
row "write 4 KiB, depth 16" "1/s" --mode write --size 4k --depth 16
for c in 1 8; do
	row "read 1 MiB, depth 4, $c connections" "MB/s" --mode read --size 1m --depth 4 --connections $c
	row "write 1 MiB, depth 4, $c connections" "MB/s" --mode write --size 1m --depth 4 --connections $c
done
row "read 1 MiB, depth 4, signed" "MB/s" --mode read --size 1m --depth 4 --sign
row "read 1 MiB, depth 4, sealed" "MB/s" --mode read --size 1m --depth 4 --seal
row "write 1 MiB, depth 4, sealed" "MB/s" --mode write --size 1m --depth 4 --seal
