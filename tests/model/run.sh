#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The model of how slots change hands (doc/model), by spin: every state within small bounds, as many as the time
# allows within larger ones (bit-state hashing: a search, no proof), and each variant that leaves a rule out must be
# found out. usage: run.sh [SECONDS of the large search]
set -u
model=$(cd "$(dirname "$0")/../../doc/model" && pwd)/takeover.pml
secs=${1:-120}
work=$(mktemp -d "${TMPDIR:-/tmp}/hf-model.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

# verify NAME SECONDS CFLAGS OPTIONS DEFINITIONS...: leaves NAME/out; the result is what the verifier says
verify() {
	local name=$1 t=$2 cflags=$3 options=$4 d=$work/$1
	shift 4
	mkdir -p "$d"
	(cd "$d" && spin -a "$@" "$model" > spin.out && gcc -O1 -w -DSAFETY $cflags -o pan pan.c) ||
		{ cat "$d/spin.out"; echo "model: $name: cannot be made"; exit 1; }
	(cd "$d" && timeout -s INT "$t" ./pan $options > out 2>&1)
	grep -q 'errors: ' "$d/out" || { tail -5 "$d/out"; echo "model: $name: the verifier gave up"; exit 1; }
	states=$(awk '/states, stored/ {print $1; exit}' "$d/out")
	depth=$(sed -n 's/.*depth reached \([0-9]*\).*/\1/p' "$d/out")
}
found() { grep -q 'errors: [1-9]' "$work/$1/out"; }
whole() { ! grep -qE 'Search not completed|max search depth too small|out of memory' "$work/$1/out"; }

# holds NAME SECONDS whole|part ...: no assertion fails
holds() {
	local name=$1 how=$3
	verify "$name" "$2" "$4" "$5" "${@:6}"
	if found "$name" || { [ "$how" = whole ] && ! whole "$name"; }; then
		grep -E 'violated|not completed|too small' "$work/$name/out"
		echo "model: $name: FAILED after $states states"
		bad=1
	else
		echo "model: $name: nothing wrong in $states states ($([ "$how" = whole ] && echo all of them || echo a part)), depth $depth"
	fi
}
# breaks NAME DEFINITIONS...: the variant must be found out
breaks() {
	local name=$1
	shift
	verify "$name" 240 '-DBFS -DHC4 -DMEMLIM=6000' -m100 "-D$name" "$@"
	if found "$name"; then
		echo "model: without a rule, $name: found out after $depth steps: $(sed -n 's/^pan:1: //p' "$work/$name/out" | cut -c1-60)..."
	else
		echo "model: $name: FAILED: a rule is left out, and nothing is found in $states states"
		bad=1
	fi
}

small="-DMAXV=2 -DSTALLS=0 -DLOSSES=0"
breaks EARLY_TELL $small -DKILLS=0 -DOPS=1
breaks NO_LEASE $small -DKILLS=0 -DOPS=1
breaks NO_EPOCH_GUARD $small -DKILLS=1 -DOPS=3 -DOPS1=0
breaks NO_DONE_WAIT $small -DKILLS=1 -DOPS=1
breaks LOST_REASSERT -DMAXV=2 -DKILLS=1 -DSTALLS=0 -DLOSSES=1 -DOPS=1
holds one-client 300 whole '-DHC4 -DMEMLIM=6000' -m1000 $small -DKILLS=1 -DOPS=1 -DOPS1=0
holds large "$secs" part '-DBITSTATE' '-m400 -w29' -DMAXV=4 -DKILLS=2 -DSTALLS=1 -DLOSSES=1 -DOPS=2
exit $bad
