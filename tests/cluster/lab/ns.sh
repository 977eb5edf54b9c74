# SPDX-License-Identifier: GPL-3.0-or-later
# Namespaces of the lab and the processes in them. Every namespace is kept by one holder process that
# only sleeps; hold/NAME records its pid, its start time and its mount namespace, and whatever lives
# in that mount namespace belongs to the node. All share one pid namespace (LMDB wants that).

HF_NET=10.77.0
HF_CLIENT_HOST=200

lab_die() { echo "lab: $*" >&2; exit 1; }

lab_check_node() {
	[[ ${1:-} =~ ^[1-9][0-9]?$ ]] && [ -e "$HF_LAB/hold/n$1" ] || lab_die "there is no node '${1:-}'"
}

# Start time of a process in clock ticks: with the pid it names one process for ever.
lab_start_time() {
	local s
	s=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	set -- ${s##*) }
	echo "${20}"
}

# lab_holder NAME: pid of a live holder
lab_holder() {
	local pid t
	read -r pid t _ 2>/dev/null < "$HF_LAB/hold/$1" || return 1
	[ "$(lab_start_time "$pid")" = "$t" ] && echo "$pid"
}

lab_is_up() {
	local h
	for h in "$HF_LAB"/hold/*; do
		[ -e "$h" ] && lab_holder "${h##*/}" > /dev/null && return 0
	done
	return 1
}

# Daemons must not keep the caller's pipes and locks open.
lab_close_fds() {
	local f
	for f in /proc/self/fd/*; do
		f=${f##*/}
		[ "$f" -le 2 ] || eval "exec $f>&-"
	done 2>/dev/null
}

# lab_hold NAME: a new network, mount and host-name namespace with its own /run, /dev/shm, /etc/hosts
lab_hold() {
	local name=$1 d=$HF_LAB/$1 pid
	mkdir -p "$d/run" "$d/log"
	rm -f "$d/ready"
	(
		lab_close_fds
		export HF_LAB_MARK="$HF_LAB $(cat "$HF_LAB/id")"
		exec setsid unshare --mount --net --uts --propagation private sh -c '
			d=$1; hosts=$2; name=$3
			set -e
			hostname "$name"
			mount --bind "$d/run" /run
			mount -t tmpfs -o mode=1777 shm /dev/shm
			mount --bind "$hosts" /etc/hosts
			mount -t sysfs sys /sys 2>/dev/null || :
			echo $$ > "$d/ready.new"; mv "$d/ready.new" "$d/ready"
			exec sleep infinity' sh "$d" "$HF_LAB/hosts" "$name" < /dev/null > "$d/log/holder" 2>&1
	) &
	disown
	for _ in $(seq 200); do
		[ -s "$d/ready" ] && break
		sleep 0.02
	done
	pid=$(cat "$d/ready" 2>/dev/null) ||
		lab_die "cannot make a namespace for $name: $(tail -1 "$d/log/holder" 2>/dev/null)"
	echo "$pid $(lab_start_time "$pid") $(readlink "/proc/$pid/ns/mnt")" > "$HF_LAB/hold/$name"
}

# lab_enter NAME CMD...: replace this shell by CMD inside; the working directory stays where it exists
lab_enter() {
	local pid w=$PWD
	pid=$(lab_holder "$1") || lab_die "$1 is not up"
	shift
	export HF_LAB_MARK="$HF_LAB $(cat "$HF_LAB/id")"
	exec nsenter --target "$pid" --mount --net --uts --wdns="$w" -- "$@"
}
lab_in() { (lab_enter "$@"); }
lab_exec() { local i=$1; shift; lab_in "n$i" "$@"; }
lab_client() { lab_in client "$@"; }

lab_net_up() {
	local n=$1 i
	{
		echo "127.0.0.1 localhost"
		echo "::1 localhost"
		echo "$HF_NET.$HF_CLIENT_HOST client client.lab.test"
		for i in $(seq "$n"); do echo "$HF_NET.$i n$i.lab.test n$i"; done
	} > "$HF_LAB/hosts"
	lab_hold switch
	lab_in switch sh -ec 'ip link set lo up; ip link add br0 type bridge; ip link set br0 up' ||
		lab_die "cannot make a bridge: is the kernel's bridge module there?"
	for i in $(seq "$n"); do lab_plug "n$i" "$HF_NET.$i"; done
	lab_plug client "$HF_NET.$HF_CLIENT_HOST"
}

lab_plug() {
	lab_hold "$1"
	lab_in switch sh -ec "ip link add $1 type veth peer name eth0 netns $(lab_holder "$1")
		ip link set $1 master br0 up" || lab_die "cannot make a network link for $1"
	lab_in "$1" sh -ec "ip link set lo up; ip addr add $2/24 dev eth0; ip link set eth0 up"
}

lab_cut() { lab_in switch ip link set "n$1" down; }
lab_heal() { lab_in switch ip link set "n$1" up; }
lab_link_state() {
	lab_in switch ip -br link show "n$1" 2>/dev/null | awk '{print $2}'
}

# Processes of NAME but its holder. While the holder lives, its mount namespace is the mark; without
# it (someone killed it) the environment is, since the kernel may give the namespace's number away.
lab_pids_in() {
	local pid t ns
	read -r pid t ns 2>/dev/null < "$HF_LAB/hold/$1" || return 0
	if [ "$(lab_start_time "$pid")" = "$t" ]; then
		find /proc -mindepth 3 -maxdepth 3 -path '/proc/[0-9]*/ns/mnt' -lname "${ns/[/\\[}" 2>/dev/null
	else
		grep -lazxF "HF_LAB_MARK=$HF_LAB $(cat "$HF_LAB/id")" /proc/[0-9]*/environ 2>/dev/null
	fi | cut -d/ -f3 | grep -vxE "$pid|$$|$BASHPID"
	return 0
}
lab_pids() { lab_pids_in "n$1"; }

# lab_pids_named NAME: one program name per process
lab_pids_named() {
	local p e
	for p in $(lab_pids_in "$1"); do
		e=$(readlink "/proc/$p/exe") && { e=${e##*/}; echo "${e% (deleted)}"; }
	done
}

# lab_pids_of NAME PROGRAM
lab_pids_of() {
	local p e
	for p in $(lab_pids_in "$1"); do
		e=$(readlink "/proc/$p/exe") || continue
		e=${e##*/}
		[ "${e% (deleted)}" != "$2" ] || echo "$p"
	done
}

# lab_kill_in NAME: everything stops first, so that no process sees another one's death
lab_kill_in() {
	local p
	for _ in $(seq 100); do
		p=$(lab_pids_in "$1")
		[ -n "$p" ] || return 0
		kill -STOP $p 2>/dev/null
		kill -KILL $p 2>/dev/null
		sleep 0.01
	done
	echo "lab: processes of $1 do not die: $p" >&2
	return 1
}
lab_kill() { lab_kill_in "n$1"; }
lab_poweroff() { lab_cut "$1"; lab_kill_in "n$1"; }
lab_signal() { lab_pids "$2" | xargs -r kill "-$1"; }
lab_pause() { lab_signal STOP "$1"; }
lab_cont() { lab_signal CONT "$1"; }

lab_down() {
	local h name pid
	for h in "$HF_LAB"/hold/*; do
		[ -e "$h" ] || continue
		name=${h##*/}
		lab_kill_in "$name"
		pid=$(lab_holder "$name") && kill -KILL "$pid"
		rm -f "$h"
	done
	rm -f "$HF_LAB/settings"
}
