#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Samba's own SMB2 tests against Holdfast. What each of them does is written down in a table beside this file ("NAME
# pass|fail|skip|either REASON"); any other outcome, better or worse, is a failure. "either" passes or fails by something that no
# run can fix beforehand.
#
# usage: run.sh [--newest] [--second-node] [--record] [SUITE[@SHARE]...]
#   --newest        smbtorture of Debian sid (tests/interop/sid-samba.sh) instead of the machine's: newest.expected instead of
#                   debian12.expected
#   --second-node   three nodes, and a test's second client is on another node than its first one, its third on the third; a client that
#                   comes back comes to another node (second.py). With newest-second-node.expected, and the suites of caching
#   --record        prints a new table instead of comparing; what the tests said is left in $HF_TEST_KEEP, when that is set
# A suite is run on the share "data"; as SUITE@ca on the continuously available one, which its tests' names then end with.
# HF_PEER=samba: against Samba on one node, to compare with: Debian's, or with --newest sid's with persistent handles.
# environment: SUITE_LIMIT (seconds that a suite may take, 900), JOBS (suites at once, each on shares of its own: most of them wait most
# of the time; 1, with --newest 3)
. "$(dirname "$0")/../../cluster/lab/test.sh"
HF_TEST=smbtorture
HERE=$(cd "$(dirname "$0")" && pwd)
record='' newest='' second='' table=debian12
while [[ ${1:-} == --* ]]; do
	case $1 in
	--record) record=1 ;;
	--newest) newest=1 table=newest ;;
	--second-node) second=1 ;;
	*) fail "unknown option $1" ;;
	esac
	shift
done
[ -z "$second" ] || table=$table-second-node

# Not here: smb2.kernel-oplocks is about another server's kernel; smb2.scan, smb2.hold-* and the like test nothing by themselves;
# smb2.change_notify_disabled wants a server without notifications.
all="smb2.connect smb2.tcon smb2.session smb2.session-id smb2.session-require-signing smb2.multichannel smb2.credits
	smb2.compound smb2.compound_find smb2.compound_async smb2.read smb2.rw smb2.create smb2.create_no_streams
	smb2.mkdir smb2.openattr smb2.winattr smb2.dosmode smb2.maxfid smb2.fileid smb2.charset smb2.getinfo smb2.setinfo
	smb2.dir smb2.rename smb2.delete-on-close-perms smb2.sharemode smb2.deny smb2.secleak smb2.maximum_allowed
	smb2.lock smb2.ioctl smb2.timestamps smb2.durable-open smb2.durable-v2-open smb2.replay smb2.sdread smb2.acls
	smb2.streams smb2.lease smb2.oplock smb2.notify"
caching="smb2.lease smb2.lease@ca smb2.oplock smb2.dirlease smb2.dirlease@ca smb2.durable-open smb2.durable-open-disconnect
	smb2.durable-v2-open smb2.durable-v2-open@ca smb2.durable-v2-delay smb2.durable-v2-regressions smb2.replay smb2.replay@ca
	smb2.persistent-open@ca smb2.persistent-open-reconnect-contended@ca smb2.notify smb2.lock"
SUITES=$all
# What is called otherwise since: smb2.acls is two.
[ -z "$newest" ] || SUITES="${all/smb2.acls/smb2.acls-with-sysacl smb2.acls-ignore-sysacl} $(printf '%s\n' $caching | grep -vxF -f <(printf '%s\n' $all))"
[ -z "$second" ] || SUITES=$caching
SUITES=${*:-$SUITES}
JOBS=${JOBS:-$((newest ? 3 : 1))}

# The test program, and where it sees the lab's directory.
program() { lab_client timeout -k 5 "${SUITE_LIMIT:-900}" smbtorture "$@"; }
seen=''
if [ -n "$newest" ]; then
	TREE=$("$HERE/../sid-samba.sh") || fail "there is no tree of Debian sid's Samba"
	[ -x "$TREE/usr/bin/smbtorture" ] || fail "the tree of Debian sid's Samba has no smbtorture: remove its stamp"
	program() { lab_client timeout -k 5 "${SUITE_LIMIT:-900}" chroot "$HF_LAB/client/sid/root" smbtorture "$@"; }
	seen=/lab
fi

test_begin
if [ "${HF_PEER:-}" = samba ]; then
	[ -z "$second" ] || fail "the peer has one node"
	lab_up 1 --corosync-only || fail "no lab"
	if [ -n "$newest" ]; then lab_sid_samba n1 "$TREE"; else lab_samba_start n1; fi
	[ -n "$newest" ] || JOBS=1
	HF_USER=root%samba HF_USER2=root%samba
	FILES=n1/samba
else
	HF_DATA=$HF_LAB/data
	lab_up $((second ? 3 : 1)) || fail "the nodes do not come up"
	lab_accounts
	for job in $(seq 2 "$JOBS"); do
		lab_share "data$job" "$HF_DATA/data$job" || fail "no share"
		lab_share "ca$job" "$HF_DATA/ca$job" --continuously-available || fail "no share"
	done
	FILES=data
fi
cd "$HF_LAB" || exit 1
if [ -n "$newest" ]; then
	lab_sid_mount client "$TREE" sid
	lab_client sh -ec "mkdir client/sid/root/lab; mount --bind '$HF_LAB' client/sid/root/lab" || fail "no test program"
fi

# target JOB: the address that a job's test program is given
target() {
	if [ -n "$second" ]; then echo "$HF_NET.$((HF_CLIENT_HOST + $1))"; else lab_addr 1; fi
}

# second_start JOB: passes its connections on to the nodes
second_start() {
	local at=$(target "$1") log=client/log/second.$1
	: > "$log"
	lab_client ip addr add "$at/24" dev eth0 || fail "no address for job $1"
	(
		lab_close_fds
		lab_enter client setsid /usr/bin/python3 "$HERE/second.py" "$at" "$(lab_addr 1)" "$(lab_addr 2)" "$(lab_addr 3)" \
			< /dev/null > "$log" 2>&1
	) &
	disown
	for _ in $(seq 100); do
		grep -q ready "$log" && return 0
		sleep 0.05
	done
	fail "second.py: $(tail -1 "$log")"
}

# signing: some tests provoke errors that no server signs, and a client that has to sign takes them for forged.
signing() {
	[ -n "${HF_PEER:-}" ] || lab_cli 1 config set signing_required="$1" > /dev/null || fail "config set"
}

# outcomes_of SUITE MARK FILE: "NAME OUTCOME" of each test. One that has started and has no outcome crashed, hung or lost its
# connection.
outcomes_of() {
	awk -v suite="$1" -v mark="$2" '
		function full(n) {
			sub(/^[a-z]+: /, "", n); sub(/ \[.*/, "", n); sub(/^smb2\./, "", n); gsub(/[^A-Za-z0-9._-]+/, "_", n)
			return (index(n, suite ".") == 1 || n == suite ? n : suite "." n) mark
		}
		$1 == "test:" {open = full($0)}
		$1 ~ /^(success|failure|error|skip):$/ {
			n = full($0); o = $1 == "success:" ? "pass" : $1 == "skip:" ? "skip" : "fail"
			print n, o; if (n == open) open = ""
		}
		$1 ~ /^(test|success|failure|error|skip):$/ {ran = 1}
		END {if (open != "") print open, "fail"; else if (!ran) print suite mark, "fail"}' "$3"
}

# wanted SUITE[@SHARE]: the rows of the table that belong to it
wanted() {
	local suite=${1#smb2.} mark=''
	[[ $suite != *@* ]] || mark=@${suite##*@}
	awk -v s="${suite%@*}" -v m="$mark" '!/^#/ {
		n = $1; k = ""
		if ((i = index(n, "@")) > 0) {k = substr(n, i); n = substr(n, 1, i - 1)}
		if (k == m && (n == s || index(n, s ".") == 1)) print $1, $2}' "$HERE/$table.expected"
}

counts() { awk '{n[$2]++} END {printf "%d pass, %d fail, %d skip", n["pass"], n["fail"], n["skip"]}' "$1"; }

run_suite() { # JOB SUITE[@SHARE]
	local suite=${2%@*} share=data mark='' from=$SECONDS out=$2.torture rc
	[[ $2 != *@* ]] || share=${2#*@} mark=@$share
	[ "$1" = 1 ] || share=$share$1
	program "//$(target "$1")/$share" -U "$HF_USER" \
		--format=subunit --target=samba3 --option=torture:smbd=no --option=torture:sharename=$share --option=torture:progress=no \
		--option="torture:user2name=${HF_USER2%%%*}" --option="torture:user2password=${HF_USER2#*%}" \
		--option="torture:localdir=${seen:-$HF_LAB}/$FILES/$share" "$suite" > "$out" 2>&1 < /dev/null
	rc=$?
	outcomes_of "${suite#smb2.}" "$mark" "$out" > "$2.outcomes"
	{ echo "== $2 (exit status $rc)"; cat "$out"; } >> n1/log/smbtorture
	if [ -z "${HF_PEER:-}" ]; then
		lab_exec 1 "$HF_LAB/bin/holdfast" --run-dir /run/holdfast cluster status > /dev/null ||
			fail "the node does not answer after $2"
	fi
	echo "$2: $(counts "$2.outcomes") ($((SECONDS - from)) s)" >&2
}

# next_suite: takes one off the list
next_suite() {
	(
		flock 9
		head -1 suites
		sed -i 1d suites
	) 9> suites.lock
}

run_job() { # JOB
	local suite
	while suite=$(next_suite) && [ -n "$suite" ]; do run_suite "$1" "$suite"; done
}

signing no
[ -z "$second" ] || for job in $(seq "$JOBS"); do second_start "$job"; done
printf '%s\n' $SUITES | grep -vx smb2.session-require-signing > suites
jobs=()
for job in $(seq "$JOBS"); do
	(trap - EXIT; run_job "$job") &
	jobs+=($!)
done
for job in "${jobs[@]}"; do wait "$job" || fail "a suite could not be run"; done
if [[ " $(echo $SUITES) " == *" smb2.session-require-signing "* ]]; then
	signing yes
	run_suite 1 smb2.session-require-signing
fi
cat -- *.outcomes | sort -u > got
for i in ${second:+1 2}; do
	grep -q "session established" "n$i/log/holdfast.log" || fail "no client has ever been on node $i"
done
if [ -n "$record" ]; then
	[ -z "${HF_TEST_KEEP:-}" ] || { mkdir -p "$HF_TEST_KEEP" && cp n1/log/smbtorture "$HF_TEST_KEEP/$table.log"; }
	cat got
	exit 0
fi
# A name that has two outcomes in one run is unlike its row in any case.
for suite in $SUITES; do wanted "$suite"; done | sort -u | join -a1 -a2 -e nothing -o 0,1.2,2.2 got - | awk '$2 != $3 && !($3 == "either" && $2 ~ /^(pass|fail)$/) {
	print "smbtorture: " $1 ": " ($2 == "nothing" ? "not run" : $2) ", expected " $3; bad = 1} END {exit bad}' ||
	fail "$(wc -l < got) tests ran; those above are not as expected"
step "$(counts got), all as expected"
