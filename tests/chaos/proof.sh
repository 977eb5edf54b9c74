#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Proves that chaos runs notice a broken rule. Needs a build with --enable-fault-points in HF_BUILD.
#
# usage: proof.sh RULE [run.sh's options]
#   no-epoch-guard, no-lease-expiry, lost-reassertion, no-lease-break, no-directory-break   the run must report violations
#   none                                                nothing is broken: the same faults and a slow disk, no violation
#   absent BUILD                                        the build has no way to break a rule
HERE=$(cd "$(dirname "$0")" && pwd)
RULE=${1:?which rule}
shift

fail() { echo "chaos-proof: FAILED: $*" >&2; exit 1; }

# breakable BUILD: does its file server read HF_FAULT?
breakable() {
	local f
	f=$(find "$1" -name holdfast-smbd -type f -perm -u+x | head -1)
	[ -n "$f" ] || fail "no holdfast-smbd under $1"
	grep -q HF_FAULT "$f"
}

# What makes each rule's absence felt within a minute or two. A deposed owner's write is one that was on its way when
# its process was stopped: with a slow disk there are some. Who is cut off hears so from corosync in time; a node whose
# corosync is stopped has only its lease.
guard=wake-to-massacre
lease=pause-corosync-long
assert=kill-node,kill-smbd,restart,poweroff
slow=
case $RULE in
absent)
	breakable "${1:?which build}" && fail "$1 was built with fault points"
	exit 0 ;;
no-epoch-guard) options=(--seconds 120 --seed 1 --faults $guard) slow=,slow-commit ;;
no-lease-expiry)
	options=(--seconds 120 --seed 1 --faults $lease)
	# The first record that a deposed owner writes is its last deed: these clients ask for none. Many, since those who need
	# another owner's word leave the node soon.
	export CHAOS_PERSISTENT=0 CHAOS_CLIENTS=${CHAOS_CLIENTS:-36} ;;
lost-reassertion) options=(--seconds 60 --seed 1 --faults $assert) ;;
no-lease-break) options=(--seconds 30 --seed 1 --faults $assert) ;;
# Who keeps what should have been broken is found out in the calm after the last fault.
no-directory-break) options=(--seconds 15 --seed 1 --faults kill-smbd) ;;
none) RULE=slow-commit options=(--seconds 120 --seed 1 --faults $guard,$lease,$assert) ;;
*) fail "there is no rule $RULE" ;;
esac
breakable "${HF_BUILD:?}" || fail "$HF_BUILD was not built with --enable-fault-points"
export HF_FAULT=$RULE$slow
"$HERE/run.sh" "${options[@]}" "$@"
rc=$?
[ "$RULE" != slow-commit ] || exit $rc
case $rc in
1) echo "chaos-proof: $RULE is noticed" ;;
0) fail "nobody noticed that the rule $RULE was broken" ;;
*) fail "the run proves nothing (exit status $rc)" ;;
esac
