# SPDX-License-Identifier: GPL-3.0-or-later
# What every cluster test starts with: a lab of its own that is gone when the test ends, in
# whichever way. A failed test leaves its logs in $HF_TEST_KEEP, when that is set.

set -u
. "$(dirname "${BASH_SOURCE[0]}")/../lab.sh"

HF_TEST=$(basename "$0" .sh)


test_begin() {
	HF_LAB=$(mktemp -d "${TMPDIR:-/tmp}/hf-$HF_TEST.XXXXXX")
	export HF_LAB
	chmod 755 "$HF_LAB"
	trap test_end EXIT
	trap 'exit 130' INT TERM HUP
}

# Nodes whose programs were built with sanitizers end in order: they look for leaks then.
test_stop_sanitized() {
	local i p=()
	[ "$(cat "$HF_LAB/mode" 2>/dev/null)" = all ] && grep -qs '__[at]san_init' "$HF_LAB/bin/holdfast-smbd" || return 0
	for i in $(seq "$(cat "$HF_LAB/nodes")"); do
		lab_node_stop "$i" &
		p+=($!)
	done
	for i in "${p[@]}"; do wait "$i" || return 1; done
	! grep -H 'does not stop, killing it' "$HF_LAB"/n*/log/holdfast.log >&2
}

test_end() {
	local rc=$?
	trap - EXIT
	if [ $rc = 0 ] && ! test_stop_sanitized; then
		echo "$HF_TEST: a node does not stop in order" >&2
		rc=1
	fi
	if [ -e "$HF_LAB/nodes" ] && ! lab_reports >&2; then
		echo "$HF_TEST: a program of a node crashed or a sanitizer complained" >&2
		[ $rc != 0 ] || rc=1
	fi
	lab_down
	if [ $rc != 0 ] && [ -n "${HF_TEST_KEEP:-}" ]; then
		mkdir -p "$HF_TEST_KEEP/$HF_TEST"
		for i in "$HF_LAB"/n[0-9]*; do
			[ ! -d "$i/log" ] || { mkdir -p "$HF_TEST_KEEP/$HF_TEST/${i##*/}"; cp -r "$i/log" "$i/etc" "$HF_TEST_KEEP/$HF_TEST/${i##*/}/"; }
		done
		echo "$HF_TEST: logs are in $HF_TEST_KEEP/$HF_TEST" >&2
	fi
	rm -rf "$HF_LAB"
	exit $rc
}

fail() { echo "$HF_TEST: FAILED: $*" >&2; exit 1; }
step() { echo "$HF_TEST: $*"; }

# now_ms: a clock that only goes forward, in milliseconds
now_ms() { awk '{printf "%d\n", $1 * 1000}' /proc/uptime; }

# median_max: reads one number per line, prints "MEDIAN MAX"
median_max() { sort -n | awk '{v[NR] = $1} END {if (NR) print v[int((NR + 1) / 2)], v[NR]; else print "- -"}'; }
