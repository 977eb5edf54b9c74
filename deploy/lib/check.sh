# SPDX-License-Identifier: GPL-3.0-or-later
# Runs the tests of one table and counts.

# NAME, time limit in seconds, group, command. Relative programs are looked up in the clone; $OUT is
# build/check, $BUILD the build under test.
check_table() {
	sed -e 's/#.*//' -e '/^[ \t]*$/d' "$HF_TOP/tests/table"
}

check_tools() {
	local t
	for t in corosync corosync-quorumtool smbclient nsenter unshare ip jq python3 smbd krb5kdc kadmin.local \
		kinit smbtorture clang mdb_dump tshark ceph-mon ceph-osd ceph-mds; do
		command -v $t > /dev/null || die "$t is missing although its package is installed"
	done
	case $1 in *bench*)
		command -v debootstrap > /dev/null || die "debootstrap is missing although its package is installed" ;;
	esac
	case $1 in *interop*)
		for t in debootstrap patchelf slirp4netns; do
			command -v $t > /dev/null || die "$t is missing although its package is installed"
		done ;;
	esac
}

# check_record pass|fail NAME SECONDS
check_record() { echo "$1 $2 $3" >> "$OUT/results"; }

check_give_up() {
	check_record fail "$1" 0
	check_summary
	exit 1
}

# check_limited LIMIT COMMAND...: the command's exit status, 124 when it did not end in time. When check itself is told to
# stop, what runs is told so, too, and ends what it has started.
check_limited() {
	timeout --kill-after=20 "$@" < /dev/null 8>&- &
	check_running=$!
	wait "$check_running"
	local rc=$?
	check_running=
	return $rc
}

check_stop() {
	trap '' INT TERM HUP
	[ -z "${check_running:-}" ] || { kill "$check_running"; wait "$check_running"; }
	die "stopped"
}
trap check_stop INT TERM HUP

# check_run NAME LIMIT COMMAND...
check_run() {
	local name=$1 limit=$2 log=$LOGS/$1.log from=$SECONDS rc
	shift 2
	check_limited "$limit" "$@" > "$log" 2>&1
	rc=$?
	if [ $rc = 0 ]; then
		printf 'ok      %-30s %4d s\n' "$name" $((SECONDS - from))
		check_record pass "$name" $((SECONDS - from))
		return 0
	fi
	printf 'FAILED  %-30s %4d s  ' "$name" $((SECONDS - from))
	case $rc in
	124|137) echo "did not end within $limit s" ;;
	*) echo "exit status $rc" ;;
	esac
	tail -n 12 "$log" | sed 's/^/        /'
	echo "        all of it: $log"
	check_record fail "$name" $((SECONDS - from))
	return 1
}

# Unit tests count one by one.
check_units() {
	local name=$1 limit=$2 dir=$3 log=$LOGS/$1.log from=$SECONDS rc n
	check_limited "$limit" make -C "$dir" -j"$(nproc)" check > "$log" 2>&1
	rc=$?
	n=$(awk '/^# PASS:/ {n += $3} END {print n + 0}' "$log")
	for _ in $(seq "$n"); do echo "pass $name 0"; done >> "$OUT/results"
	grep -E '^(FAIL|ERROR|XPASS|SKIP)[: ]' "$log" | sort -u | while read -r line; do
		echo "FAILED  $name: $line"
		echo "fail $name 0" >> "$OUT/results"
	done
	if [ $rc = 0 ]; then
		printf 'ok      %-30s %4d s  %d tests\n' "$name" $((SECONDS - from)) "$n"
		[ "$n" -gt 0 ] || { echo "FAILED  $name: no test ran"; check_record fail "$name" 0; }
		return
	fi
	printf 'FAILED  %-30s %4d s  all of it: %s\n' "$name" $((SECONDS - from)) "$log"
	tail -n 12 "$log" | sed 's/^/        /'
	grep -qE '^(FAIL|ERROR|XPASS|SKIP)[: ]' "$log" || check_record fail "$name" 0
}

check_wanted() {
	local w
	[ -n "$2" ] || return 0
	for w in $2; do [[ $1 != *$w* ]] || return 0; done
	return 1
}

# check_build GROUP: the build tree that a group's tests use, made when it is needed first
check_build() {
	case $1 in
	sanitizers) BUILD=$OUT/sanitizers; set -- --enable-sanitizers ;;
	chaos-proof) BUILD=$OUT/faults; set -- --enable-fault-points ;;
	threads) BUILD=$OUT/threads; set -- --enable-sanitizers=thread ;;
	*) BUILD=$OUT/release; return 0 ;;
	esac
	[[ " $check_built " != *" $BUILD "* ]] || return 0
	(build_tree "$BUILD" "$OUT/${BUILD##*/}-logs" --quiet --enable-werror "$1" CFLAGS="-O1 -g") || return 1
	check_built="$check_built $BUILD"
}

# check_run_table GROUPS ONLY
check_run_table() {
	local name limit group command BUILD check_built=
	while read -r name limit group command <&9; do
		[[ " $1 " == *" $group "* ]] && check_wanted "$name" "$2" || continue
		check_build "$group" || { check_record fail "$group-build" 0; return; }
		export OUT BUILD HF_BUILD=$BUILD HF_TOP
		case $command in
		make-check) check_units "$name" "$limit" "$BUILD" ;;
		*) check_run "$name" "$limit" bash -c "cd '$HF_TOP' && $command" ;;
		esac
	done 9< <(check_table)
}

check_summary() {
	local pass fail
	pass=$(grep -c '^pass ' "$OUT/results")
	fail=$(grep -c '^fail ' "$OUT/results")
	say "Summary"
	awk '$1 == "fail" {n[$2]++} END {for (t in n) printf "    failed: %s%s\n", t, (n[t] > 1 ? " (" n[t] " times)" : "")}' "$OUT/results" | sort
	echo "$pass passed, $fail failed"
	[ "$fail" = 0 ]
}
