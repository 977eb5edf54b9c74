#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Samba's own SMB2 tests against one node. What each of them does is written down in
# smbtorture.expected ("NAME pass|fail|skip REASON"); any other outcome, better or worse, is a failure.
#
# usage: smbtorture.sh [--record] [SUITE...]    --record prints a new table instead of comparing
# HF_PEER=samba: against Debian's Samba, to compare with.
. "$(dirname "$0")/../cluster/lab/test.sh"
HERE=$(cd "$(dirname "$0")" && pwd)
record=''
[ "${1:-}" != --record ] || { record=1; shift; }
# Not here: smb2.kernel-oplocks is about another server's kernel; smb2.scan, smb2.hold-* and the like test nothing by themselves;
# smb2.change_notify_disabled wants a server without notifications.
SUITES=${*:-smb2.connect smb2.tcon smb2.session smb2.session-id smb2.session-require-signing smb2.multichannel smb2.credits
	smb2.compound smb2.compound_find smb2.compound_async smb2.read smb2.rw smb2.create smb2.create_no_streams
	smb2.mkdir smb2.openattr smb2.winattr smb2.dosmode smb2.maxfid smb2.fileid smb2.charset smb2.getinfo smb2.setinfo
	smb2.dir smb2.rename smb2.delete-on-close-perms smb2.sharemode smb2.deny smb2.secleak smb2.maximum_allowed
	smb2.lock smb2.ioctl smb2.timestamps smb2.durable-open smb2.durable-v2-open smb2.replay smb2.sdread smb2.acls
	smb2.streams smb2.lease smb2.oplock smb2.notify}

test_begin
if [ "${HF_PEER:-}" = samba ]; then
	lab_up 1 --corosync-only || fail "no lab"
	lab_samba_start n1
	HF_USER=root%samba HF_USER2=root%samba SHARE=data
else
	lab_up 1 || fail "one node does not come up"
	lab_accounts
	SHARE=$HF_SHARE
	HF_DATA_DIR=$HF_DATA/data
fi
cd "$HF_LAB" || exit 1

# signing: some tests provoke errors that no server signs, and a client that has to sign takes them for forged.
signing() {
	[ -n "${HF_PEER:-}" ] || lab_cli 1 config set signing_required="$1" > /dev/null || fail "config set"
}

for suite in $SUITES; do
	case $suite in
	smb2.session-require-signing) signing yes ;;
	*) signing no ;;
	esac
	lab_client timeout -k 5 "${SUITE_LIMIT:-900}" smbtorture "//$(lab_addr 1)/$SHARE" -U "$HF_USER" \
		--format=subunit --target=samba3 --option=torture:sharename=$SHARE --option=torture:progress=no \
		--option="torture:user2name=${HF_USER2%%%*}" --option="torture:user2password=${HF_USER2#*%}" \
		--option="torture:localdir=${HF_DATA_DIR:-$HF_LAB/n1/samba/data}" "$suite" > torture.out 2>&1
	rc=$?
	# A test that has started and has no outcome crashed, hung or lost its connection.
	awk -v suite="${suite#smb2.}" -v rc=$rc '
		function full(n) {
			sub(/^[a-z]+: /, "", n); sub(/ \[.*/, "", n); sub(/^smb2\./, "", n); gsub(/[^A-Za-z0-9._-]+/, "_", n)
			return index(n, suite ".") == 1 || n == suite ? n : suite "." n
		}
		$1 == "test:" {open = full($0)}
		$1 ~ /^(success|failure|error|skip):$/ {
			n = full($0); o = $1 == "success:" ? "pass" : $1 == "skip:" ? "skip" : "fail"
			print n, o; if (n == open) open = ""
		}
		END {if (open != "") print open, "fail"; else if (NR == 0) print suite, "fail"}' torture.out >> outcomes
	{ echo "== $suite (exit status $rc)"; cat torture.out; } >> n1/log/smbtorture
	if [ -z "${HF_PEER:-}" ]; then
		lab_exec 1 "$HF_LAB/bin/holdfast" --run-dir /run/holdfast cluster status > /dev/null ||
			fail "the node does not answer after $suite"
	fi
	echo "$suite: $(grep -c "^${suite#smb2.}.* pass" outcomes) pass, $(grep -c "^${suite#smb2.}.* fail" outcomes) fail, $(grep -c "^${suite#smb2.}.* skip" outcomes) skip" >&2
done
sort -u outcomes > got
if [ -n "$record" ]; then
	cat got
	exit 0
fi
rc=0
while read -r name outcome; do
	want=$(awk -v n="$name" '$1 == n {print $2}' "$HERE/smbtorture.expected")
	[ "$outcome" = "${want:-missing}" ] || { echo "smbtorture: $name: $outcome, expected ${want:-nothing}"; rc=1; }
done < got
for suite in $SUITES; do
	while read -r name _; do
		grep -q "^$name " got || { echo "smbtorture: $name was not run"; rc=1; }
	done < <(grep -E "^${suite#smb2.}(\.| )" "$HERE/smbtorture.expected")
done
[ $rc = 0 ] || fail "$(wc -l < got) tests ran; those above are not as expected"
step "$(grep -c ' pass' got) pass, $(grep -c ' fail' got) fail, $(grep -c ' skip' got) skip, all as expected"
