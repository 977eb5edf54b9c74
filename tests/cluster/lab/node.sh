# SPDX-License-Identifier: GPL-3.0-or-later
# Holdfast on a lab node: node.yaml, holdfast-noded and what it starts, and the operator's command.

HF_PROGRAMS="holdfast-noded holdfast-clusterd holdfast-smbd holdfast"

# Copies the programs into the lab, so that a new build never changes a running one.
lab_programs() {
	local p f
	HF_BUILD=${HF_BUILD:-$(cd "$HF_LAB_HOME/../.." && pwd)/build}
	mkdir -p "$HF_LAB/bin"
	for p in $HF_PROGRAMS hfclient hfbench hfhandles; do
		f=$(find "$HF_BUILD" -type f -name "$p" -perm -u+x -not -path '*/holdfast-[0-9]*/*' 2>/dev/null | head -1)
		if [ -n "$f" ]; then
			cp -f "$f" "$HF_LAB/bin/$p" || lab_die "cannot copy $f"
		elif [[ $p == holdfast* ]]; then
			lab_die "no program $p under $HF_BUILD: build the tree first (make), or set HF_BUILD"
		fi
	done
}

# A second release beside the first, in $HF_LAB/next: it speaks one more level (node/base/level.def).
lab_next_release() {
	local p f
	mkdir -p "$HF_LAB/next"
	cp -f "$HF_LAB"/bin/* "$HF_LAB/next/"
	for p in clusterd smbd; do
		f=$(find "$HF_BUILD" -type f -name "next-$p" -perm -u+x -not -path '*/holdfast-[0-9]*/*' | head -1)
		[ -n "$f" ] || lab_die "no program next-$p under $HF_BUILD: build the tree first (make)"
		cp -f "$f" "$HF_LAB/next/holdfast-$p" || lab_die "cannot copy $f"
	done
}

# lab_release I bin|next: which release node I starts with from now on
lab_release() { ln -sfn "../$2" "$HF_LAB/n$1/bin"; }

# One data directory, one directory for the records and one cluster key, as on shared storage.
lab_shared_state() {
	mkdir -p "$HF_STORE" "$HF_DATA"
	chmod 700 "$HF_STORE"
	chmod 1777 "$HF_DATA"
	[ -s "$HF_LAB/cluster.key" ] || (umask 077; head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$HF_LAB/cluster.key")
}

lab_store_url() {
	local c=$HF_LAB/ceph
	case $STORE in
	rados) echo "rados:holdfast/lab?conf=$c/ceph.conf&id=hf&keyring=$c/client.hf.keyring" ;;
	*) echo "lmdb:$HF_STORE" ;;
	esac
}

# lab_node_conf I
lab_node_conf() {
	local d=$HF_LAB/n$1
	mkdir -p "$d/etc" "$d/state"
	{
		cat <<-END
		name: n$1
		node_id: $1
		addresses: [$HF_NET.$1]
		rpc_address: $HF_NET.$1:5445
		port: 445
		store: $(lab_store_url)
		run_dir: /run/holdfast
		state_dir: $d/state
		log: file:$d/log/holdfast.log
		log_level: $LOG_LEVEL
		workers: $WORKERS
		cluster_key_file: $HF_LAB/cluster.key
		END
		[ -z "${HF_KEYTAB:-}" ] || echo "keytab: $HF_KEYTAB"
		[ -z "$NODE_YAML_EXTRA" ] || printf '%b\n' "$NODE_YAML_EXTRA"
	} > "$d/etc/node.yaml"
}

lab_node_start() {
	local d=$HF_LAB/n$1 bin=$HF_LAB/bin
	[ -z "$(lab_pids_of "n$1" holdfast-noded)" ] || lab_die "holdfast-noded of node $1 is already running"
	[ ! -e "$d/bin" ] || bin=$(readlink -f "$d/bin")
	(
		lab_close_fds
		export ASAN_OPTIONS="log_path=$d/log/sanitizer:detect_stack_use_after_return=0:${ASAN_OPTIONS:-}"
		export UBSAN_OPTIONS="log_path=$d/log/sanitizer:print_stacktrace=1:${UBSAN_OPTIONS:-}"
		[ -z "${HF_NODE_PRELOAD:-}" ] || export LD_PRELOAD=$HF_NODE_PRELOAD
		lab_enter "n$1" setsid "$bin/holdfast-noded" --config "$d/etc/node.yaml" \
			--libexec "$bin" < /dev/null >> "$d/log/noded.out" 2>&1
	) &
	disown
}

# lab_smbd_pid I: the file server of a node, not the one that stands by
lab_smbd_pid() {
	local p
	for p in $(lab_pids_of "n$1" holdfast-smbd); do
		[ "$(cat "/proc/$p/comm" 2>/dev/null)" = smbd-stands-by ] || echo "$p"
	done
}

lab_node_stop() {
	local p
	p=$(lab_pids_of "n$1" holdfast-noded)
	[ -n "$p" ] || return 0
	kill -TERM $p
	for _ in $(seq 400); do
		[ -n "$(lab_pids_named "n$1" | grep -x 'holdfast-.*')" ] || return 0
		sleep 0.05
	done
	echo "lab: node $1 did not stop in 20 s" >&2
	return 1
}

# lab_cli I ARGS...
lab_cli() {
	local i=$1
	shift
	lab_exec "$i" "$HF_LAB/bin/holdfast" --run-dir /run/holdfast "$@"
}

# lab_view I: "EPOCH MEMBERS SERVING" as node I sees them, members being those with a file server; or nothing
lab_view() {
	lab_cli "$1" cluster status --json 2>/dev/null |
		jq -r '"\(.epoch) \([.members[] | select(.incarnation)] | length) \(.serving)"' 2>/dev/null
}

# lab_wait_view N [SECS]: every running node serves in a view of N members
lab_wait_view() {
	local n=$1 i ok end
	end=$(($(date +%s%N) + ${2:-30} * 1000000000))
	while [ "$(date +%s%N)" -lt $end ]; do
		ok=0
		for i in $(seq "$(cat "$HF_LAB/nodes")"); do
			[[ "$(lab_view "$i")" == *" $n true" ]] && ok=$((ok + 1))
		done
		[ $ok -lt "$n" ] || return 0
		sleep 0.1
	done
	echo "lab: only $ok nodes serve in a view of $n members after ${2:-30} s" >&2
	for i in $(seq "$(cat "$HF_LAB/nodes")"); do
		echo "node $i: $(lab_view "$i")" >&2
		tail -n 5 "$HF_LAB/n$i/log/noded.out" "$HF_LAB/n$i/log/holdfast.log" 2>/dev/null >&2
	done
	return 1
}

# lab_logs [I]
lab_logs() {
	local i
	for i in ${1:-$(seq "$(cat "$HF_LAB/nodes")")}; do
		tail -n "${LINES_EACH:-50}" "$HF_LAB/n$i"/log/*
	done
}

# Prints what sanitizers and crashes left behind; succeeds when there is nothing.
lab_reports() {
	local f bad=0
	for f in "$HF_LAB"/n*/log/sanitizer* "$HF_LAB"/n*/core*; do
		[ -s "$f" ] || continue
		bad=1
		echo "$f:"
		head -40 "$f"
	done
	return $bad
}
