#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs scenarios: against the servers that NODE1 (NODE2, NODE3, SHARE, CASHARE, USER, PASSWORD, USER2, PASSWORD2)
# name in the environment, as "deploy/quickstart env" prints them; without NODE1 against nodes that it starts and
# stops itself.
#
# usage: run.sh [--tap] [--nodes N] [--quick] [-o WORD] [-v] [FILE.hfs]...
#   --nodes N   start N nodes (1); with more than one the scenarios that need several run, too
#   --quick     try fewer mutations (sweep.hfs)
#   -o WORD     only tests whose name contains WORD
# Without files: all of this directory, but those whose names begin with "failover" unless there are three nodes.
# environment: HF_PEER=samba starts Debian's Samba instead, which proves the scenarios; WORKERS, HF_BUILD as for lab.sh
HERE=$(cd "$(dirname "$0")" && pwd)
nodes=1 options=() files=() quick=
while [ $# -gt 0 ]; do
	case $1 in
	--tap|-v) options+=("$1") ;;
	--quick) quick=1 ;;
	--nodes) nodes=$2; shift ;;
	-o) options+=(-o "$2"); shift ;;
	-h|--help) sed -n '3,/^HERE/{/^HERE/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
	-*) echo "run.sh: unknown option $1" >&2; exit 2 ;;
	*) files+=("$(realpath "$1")") ;;
	esac
	shift
done
if [ ${#files[@]} = 0 ]; then
	for f in "$HERE"/*.hfs; do
		# A foreign server owes us no well-formed answer to every mutation.
		[[ ${f##*/} == sweep* && ${HF_PEER:-} == samba ]] && continue
		[[ ${f##*/} == failover* && $nodes -lt 3 && -z ${LAB:-} ]] || files+=("$f")
	done
fi

define() { options+=(-D "$1=$2"); }

if [ -n "${NODE1:-}" ]; then
	for v in NODE1 NODE2 NODE3 SHARE CASHARE USER PASSWORD USER2 PASSWORD2 DIR CADIR LAB PEER PORT; do
		define $v "${!v:-}"
	done
	define QUICK "$quick"
	hfclient=${HFCLIENT:-$(find "${HF_BUILD:-$HERE/../../build}" -type f -name hfclient -perm -u+x | head -1)}
	[ -n "$hfclient" ] || { echo "run.sh: no hfclient: build the tree, or set HF_BUILD or HFCLIENT" >&2; exit 2; }
	exec "$hfclient" "${options[@]}" "${files[@]}"
fi

. "$HERE/../cluster/lab/test.sh"
HF_TEST=scenario
test_begin
if [ "${HF_PEER:-}" = samba ]; then
	lab_up 1 --corosync-only || fail "no lab"
	lab_programs
	lab_samba_start n1
	HF_USER=root%samba HF_USER2=% SHARE=data CASHARE='' DIR=$HF_LAB/n1/samba/data nodes=1
else
	lab_up "$nodes" || fail "$nodes nodes do not come up"
	lab_accounts
	SHARE=$HF_SHARE CASHARE=$HF_CASHARE DIR=$HF_DATA/data
	define CADIR "$HF_DATA/ca"
	define LAB "$HERE/../cluster/lab.sh"
fi
for i in 1 2 3; do define NODE$i "$([ $i -gt "$nodes" ] || lab_addr $i)"; done
define SHARE "$SHARE"
define CASHARE "$CASHARE"
define USER "${HF_USER%%\%*}"
define PASSWORD "${HF_USER#*%}"
define USER2 "${HF_USER2%%\%*}"
define PASSWORD2 "${HF_USER2#*%}"
define DIR "$DIR"
define PEER "${HF_PEER:-}"
define PORT ""
define QUICK "$quick"
define WORK "$HF_LAB"
define CHECK "$HERE/../cluster/check-history.py"
lab_client "$HF_LAB/bin/hfclient" "${options[@]}" "${files[@]}" || fail "a scenario failed"
