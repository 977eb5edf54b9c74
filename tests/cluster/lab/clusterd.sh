# SPDX-License-Identifier: GPL-3.0-or-later
# clusterd alone on lab nodes, with a stand-in for smbd (fakesmbd) that prints what it is told.

cd_programs() {
	local p f
	HF_BUILD=${HF_BUILD:-$(cd "$HF_LAB_HOME/../.." && pwd)/build}
	mkdir -p "$HF_LAB/bin" "$HF_LAB/store"
	(umask 077; head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$HF_LAB/cluster.key")
	for p in holdfast-clusterd holdfast fakesmbd; do
		f=$(find "$HF_BUILD" -type f -name "$p" -perm -u+x -not -path '*/.libs/*' 2>/dev/null | head -1)
		[ -n "$f" ] || lab_die "no program $p under $HF_BUILD: build the tree first (make), or set HF_BUILD"
		cp -f "$f" "$HF_LAB/bin/$p"
	done
}

# cd_start I: clusterd of node I
cd_start() {
	local d=$HF_LAB/n$1
	cat > "$d/etc/node.yaml" <<-END
	name: n$1
	node_id: $1
	addresses: [$HF_NET.$1]
	rpc_address: $HF_NET.$1:7400
	store: lmdb:$HF_LAB/store
	run_dir: /run/holdfast
	state_dir: $d
	cluster_key_file: $HF_LAB/cluster.key
	log: file:$d/log/clusterd.log
	log_level: debug
	END
	(
		lab_close_fds
		export ASAN_OPTIONS="log_path=$d/log/sanitizer:detect_stack_use_after_return=0"
		export UBSAN_OPTIONS="log_path=$d/log/sanitizer:print_stacktrace=1"
		lab_enter "n$1" setsid "$HF_LAB/bin/holdfast-clusterd" --config "$d/etc/node.yaml" \
			< /dev/null >> "$d/log/clusterd.out" 2>&1
	) &
	disown
}

# cd_smbd I [ROWS]: a new fakesmbd on node I; its events go to n$I/smbd
cd_smbd() {
	local d=$HF_LAB/n$1
	(
		lab_close_fds
		export ASAN_OPTIONS="log_path=$d/log/sanitizer:detect_stack_use_after_return=0"
		lab_enter "n$1" setsid "$HF_LAB/bin/fakesmbd" /run/holdfast "${2:-1}" \
			< /dev/null > "$d/smbd" 2>> "$d/log/fakesmbd.out"
	) &
	disown
}

cd_cli() {
	local i=$1
	shift
	lab_exec "$i" "$HF_LAB/bin/holdfast" "$@"
}

# cd_wait WHAT SECS COMMAND...: until the command succeeds
cd_wait() {
	local what=$1 end
	end=$(($(date +%s%N) + $2 * 1000000000))
	shift 2
	while [ "$(date +%s%N)" -lt $end ]; do
		"$@" > /dev/null 2>&1 && return 0
		sleep 0.02
	done
	for i in "$HF_LAB"/n[0-9]*; do
		echo "== $i" >&2
		tail -n 8 "$i/smbd" "$i/log/clusterd.log" "$i/log/clusterd.out" 2>/dev/null >&2
	done
	fail "$what"
}

# cd_serves I: its smbd may serve
cd_serves() { [ "$(grep ' serving ' "$HF_LAB/n$1/smbd" | tail -1 | cut -d' ' -f3)" = yes ]; }
cd_idle() { ! cd_serves "$1"; }
# cd_epoch I, cd_members I: of the newest view that its smbd has
cd_epoch() { grep ' view ' "$HF_LAB/n$1/smbd" | tail -1 | sed 's/.*epoch=\([0-9]*\).*/\1/'; }
# cd_view I PATTERN: the newest view of its smbd matches
cd_view() { grep ' view ' "$HF_LAB/n$1/smbd" | tail -1 | grep -Eq "$2"; }
# cd_event I PATTERN: time (ns) of the last event of its smbd that matches
cd_event() { grep -E "$2" "$HF_LAB/n$1/smbd" | tail -1 | cut -d' ' -f1; }
# cd_pids I NAME
cd_pids() { lab_pids_of "n$1" "$2"; }
