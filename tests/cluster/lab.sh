#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A cluster of real nodes on one machine, each in its own network and mount namespace, joined by a
# bridge, with one client beside them. Nothing leaves the namespaces, nothing stays after "down".
#
# usage: lab.sh [--dir DIR] COMMAND
#   up N [--corosync-only]  start N nodes and wait until they form one cluster
#   down                    kill every process of the lab, remove its namespaces (also after a crash)
#   start I | stop I        start node I; stop it in order (SIGTERM)
#   restart I               stop, then start
#   kill I                  kill -9 everything of node I as one event (its TCP connections are reset)
#   poweroff I              the same without a packet leaving the node: its link goes down first
#   kill-smbd I             kill -9 the file server of node I alone
#   pause I | cont I        SIGSTOP, SIGCONT everything of node I
#   cut I | heal I          take the link of node I down; up again
#   exec I CMD...           run CMD on node I
#   client CMD...           run CMD on the client, where every node's address is reachable
#   cli I ARGS...           run the operator's command "holdfast" on node I
#   wait-quorum I N [SECS]  wait until corosync of node I sees N members in a quorate partition
#   wait-no-quorum I [SECS]  wait until corosync of node I is in no quorate partition
#   wait-view N [SECS]      wait until every running node serves in a view of N members
#   samba-start NAME | samba-stop NAME  Debian's Samba on n1, n2, ... in Holdfast's place
#   addr I | pids I | status | logs [I] | reports
#
# environment: HF_LAB (the directory; default /tmp/holdfast-lab), HF_BUILD (a build tree, or a
# directory with the programs), TOKEN (corosync's token in ms, 1000), WORKERS (threads of smbd, 1),
# LOG_LEVEL (info), NODE_YAML_EXTRA (lines for every node.yaml), HF_STORE (a shared directory for the
# records, default in the lab's directory), HF_DATA (the files' directory, likewise), HF_NODE_PRELOAD
# (a shared object that is preloaded into the node's programs), CEPH_OSDS (start a
# Ceph of so many OSDs beside the nodes, see lab/ceph.sh), STORE (lmdb; or rados: the records are in that
# Ceph, of 3 OSDs unless CEPH_OSDS says otherwise).
#
# Sourced by another script it gives the same as functions: lab_up, lab_kill, ...

export PYTHONDONTWRITEBYTECODE=1
HF_LAB_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HF_LAB_HOME/lab/ns.sh"
. "$HF_LAB_HOME/lab/corosync.sh"
. "$HF_LAB_HOME/lab/node.sh"
. "$HF_LAB_HOME/lab/accounts.sh"
. "$HF_LAB_HOME/lab/kdc.sh"
. "$HF_LAB_HOME/lab/samba.sh"
. "$HF_LAB_HOME/lab/sid.sh"
. "$HF_LAB_HOME/lab/ceph.sh"

lab_init_dir() {
	HF_LAB=${HF_LAB:-/tmp/holdfast-lab}
	case $HF_LAB in
	/*) ;;
	*) HF_LAB=$PWD/$HF_LAB ;;
	esac
	case $HF_LAB in
	/run/*|/var/run/*|/dev/shm/*)
		lab_die "$HF_LAB: the lab's directory cannot be under /run or /dev/shm, which each node has of its own" ;;
	esac
	export HF_LAB
}

# lab_up N [--corosync-only]
lab_up() {
	local n=${1:-3} only=${2:-} i
	lab_init_dir
	[[ $n =~ ^[1-9][0-9]?$ ]] && [ "$n" -le 60 ] || lab_die "up: '$n' is not a number of nodes (1 to 60)"
	[ "$(id -u)" = 0 ] || lab_die "the lab needs root for its namespaces"
	lab_is_up && lab_die "a lab is already up in $HF_LAB"
	lab_down
	mkdir -p "$HF_LAB/hold"
	echo "$n" > "$HF_LAB/nodes"
	echo "${only:-all}" > "$HF_LAB/mode"
	# A lab that stays up is called again from other shells: what it was started with is kept.
	printf 'TOKEN=%q WORKERS=%q LOG_LEVEL=%q NODE_YAML_EXTRA=%q HF_STORE=%q HF_DATA=%q STORE=%q\n' \
		"${TOKEN:-1000}" "${WORKERS:-1}" "${LOG_LEVEL:-info}" "${NODE_YAML_EXTRA:-}" \
		"${HF_STORE:-$HF_LAB/store}" "${HF_DATA:-$HF_LAB/data}" "${STORE:-lmdb}" > "$HF_LAB/settings"
	. "$HF_LAB/settings"
	tr -dc a-f0-9 < /dev/urandom | head -c 8 > "$HF_LAB/id"
	lab_net_up "$n"
	[ "$STORE" != rados ] || CEPH_OSDS=${CEPH_OSDS:-3}
	[ -z "${CEPH_OSDS:-}" ] || lab_ceph_up
	[ "$STORE" != rados ] || lab_ceph_store
	lab_corosync_key
	[ -n "$only" ] || lab_programs
	[ -n "$only" ] || lab_shared_state
	for i in $(seq "$n"); do
		lab_corosync_conf "$i" "$n"
		[ -n "$only" ] || lab_node_conf "$i"
		lab_start "$i"
	done
	for i in $(seq "$n"); do lab_wait_quorum "$i" "$n" 30 || return 1; done
	[ -n "$only" ] || lab_wait_view "$n" 30
}

lab_load() {
	lab_init_dir
	[ -e "$HF_LAB/settings" ] || lab_die "no lab in $HF_LAB: start one with 'up N'"
	. "$HF_LAB/settings"
}

lab_start() {
	# What a reboot loses: /run and /dev/shm.
	if [ -z "$(lab_pids "$1")" ]; then
		find "$HF_LAB/n$1/run" -mindepth 1 -delete
		lab_in "n$1" find /dev/shm -mindepth 1 -delete
	fi
	lab_corosync_start "$1"
	[ "$(cat "$HF_LAB/mode")" != all ] || lab_node_start "$1"
}

lab_stop() {
	[ "$(cat "$HF_LAB/mode")" != all ] || lab_node_stop "$1"
	lab_corosync_stop "$1"
}

lab_restart() { lab_stop "$1"; lab_start "$1"; }

lab_kill_smbd() {
	local p
	p=$(lab_smbd_pid "$1")
	[ -n "$p" ] || lab_die "node $1 has no holdfast-smbd to kill"
	kill -KILL $p
}

lab_addr() { echo "$HF_NET.$1"; }

lab_status() {
	local i
	for i in $(seq "$(cat "$HF_LAB/nodes")"); do
		printf 'node %s  %s  link %s ' "$i" "$(lab_addr "$i")" "$(lab_link_state "$i")"
		lab_pids_named "n$i" | sort | uniq -c | awk '{printf " %s%s", $2, ($1 > 1 ? "(" $1 ")" : "")} END {print ""}'
	done
}

lab_main() {
	[ "${1:-}" != --dir ] || { HF_LAB=$2; shift 2; }
	local cmd=${1:-help}
	[ $# = 0 ] || shift
	case $cmd in
	up) lab_up "$@"; return ;;
	down) lab_init_dir; lab_down; return ;;
	help|-h|--help) sed -n '3,/^$/{s/^# \{0,1\}//;p}' "$HF_LAB_HOME/lab.sh"; return ;;
	esac
	lab_load
	case $cmd in
	start|stop|restart|kill|poweroff|kill-smbd|pause|cont|cut|heal|addr|pids)
		lab_check_node "${1:-}"
		"lab_${cmd//-/_}" "$@" ;;
	exec|cli)
		lab_check_node "${1:-}"
		"lab_$cmd" "$@" ;;
	client|wait-quorum|wait-no-quorum|wait-view|status|logs|reports|samba-start|samba-stop)
		"lab_${cmd//-/_}" "$@" ;;
	*) lab_die "unknown command '$cmd' (try: $0 help)" ;;
	esac
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -u
	lab_main "$@"
fi
