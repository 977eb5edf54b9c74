# SPDX-License-Identifier: GPL-3.0-or-later
# Corosync of a lab node: knet with encryption, its own state directory, /run and /dev/shm.

lab_corosync_key() {
	[ -s "$HF_LAB/corosync.key" ] && return
	(umask 077; head -c 256 /dev/urandom > "$HF_LAB/corosync.key")
}

# lab_corosync_conf I N
lab_corosync_conf() {
	local d=$HF_LAB/n$1 j
	mkdir -p "$d/etc" "$d/corosync"
	{
		# libknet pings from a thread that wakes every 200 ms: with intervals derived from a
		# token below a second its links flap.
		cat <<-END
		totem {
		  version: 2
		  cluster_name: lab
		  transport: knet
		  token: ${TOKEN:-1000}
		  token_coefficient: 0
		  crypto_cipher: aes256
		  crypto_hash: sha256
		  keyfile: $HF_LAB/corosync.key
		  interface {
		    linknumber: 0
		    knet_ping_interval: 200
		    knet_ping_timeout: 2000
		  }
		}
		quorum {
		  provider: corosync_votequorum
		}
		system {
		  state_dir: $d/corosync
		  allow_knet_handle_fallback: yes
		  move_to_root_cgroup: no
		}
		logging {
		  to_stderr: no
		  to_syslog: no
		  to_logfile: yes
		  logfile: $d/log/corosync.log
		  timestamp: hires
		}
		nodelist {
		END
		for j in $(seq "$2"); do
			printf '  node {\n    nodeid: %s\n    name: n%s\n    ring0_addr: %s\n  }\n' "$j" "$j" "$HF_NET.$j"
		done
		echo "}"
	} > "$d/etc/corosync.conf"
}

lab_corosync_start() {
	local d=$HF_LAB/n$1
	[ -z "$(lab_pids_of "n$1" corosync)" ] || lab_die "corosync of node $1 is already running"
	(
		lab_close_fds
		lab_enter "n$1" setsid corosync -f -c "$d/etc/corosync.conf" < /dev/null >> "$d/log/corosync.out" 2>&1
	) &
	disown
}

lab_corosync_stop() {
	local p
	p=$(lab_pids_of "n$1" corosync)
	[ -n "$p" ] || return 0
	kill -TERM $p
	for _ in $(seq 200); do
		[ -n "$(lab_pids_of "n$1" corosync)" ] || return 0
		sleep 0.05
	done
	echo "lab: corosync of node $1 did not stop in 10 s" >&2
	return 1
}

# lab_wait_quorum I N [SECS]
lab_wait_quorum() {
	local i=$1 n=$2 end
	end=$(($(date +%s%N) + ${3:-30} * 1000000000))
	while [ "$(date +%s%N)" -lt $end ]; do
		lab_quorum "$i" "$n" && return 0
		sleep 0.05
	done
	echo "lab: corosync of node $i does not see $n members in a quorate partition" >&2
	tail -n 5 "$HF_LAB/n$i/log/corosync.log" "$HF_LAB/n$i/log/corosync.out" >&2
	return 1
}

# lab_quorum I [N]: is node I in a quorate partition (of N members)?
lab_quorum() {
	lab_in "n$1" corosync-quorumtool -s 2>/dev/null |
		awk -v n="${2:-}" '/^Nodes:/ {m = $2} /^Quorate:/ {q = $2} END {exit !(q == "Yes" && (n == "" || m == n))}'
}

# lab_wait_no_quorum I [SECS]
lab_wait_no_quorum() {
	local end
	end=$(($(date +%s%N) + ${2:-30} * 1000000000))
	while [ "$(date +%s%N)" -lt $end ]; do
		lab_quorum "$1" || return 0
		sleep 0.05
	done
	echo "lab: corosync of node $1 still believes in its quorum" >&2
	return 1
}
