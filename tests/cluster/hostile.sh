#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A client that lies against a live node, beside an honest one; then the node must be as it was:
# the same process, no memory or descriptors gone. HF_PEER=samba proves the test.
. "$(dirname "$0")/lab/test.sh"
PEER=$(cd "$(dirname "$0")" && pwd)
test_begin
if [ "${HF_PEER:-}" = samba ]; then
	lab_up 1 --corosync-only || fail "no lab"
	lab_samba_start n1
	HF_USER=root%samba HF_SHARE=data
	lab_client "$PEER/peer/hostile.py" --server "$(lab_addr 1)" --share $HF_SHARE --user "$HF_USER" || fail "see above"
	exit 0
fi
lab_up 1 || fail "one node does not come up"
lab_accounts

smbd() { lab_pids_of n1 holdfast-smbd; }
fds() { ls "/proc/$(smbd)/fd" | wc -l; }
rss() { awk '/^VmRSS:/ {print $2}' "/proc/$(smbd)/status"; }
lies() {
	lab_client "$PEER/peer/hostile.py" --server "$(lab_addr 1)" --share $HF_SHARE --user "$HF_USER" --seed "$1" ||
		fail "see above"
}
pid=$(smbd)
lies 1
sleep 2
fds=$(fds) rss=$(rss)
lies 2
sleep 2
[ "$(smbd)" = "$pid" ] || fail "holdfast-smbd is another process now"
[ "$(fds)" -le $((fds + 2)) ] || fail "open descriptors grew from $fds to $(fds)"
[ "$(rss)" -le $((rss + 32768)) ] || fail "memory grew from $rss to $(rss) KiB"
[ "$(lab_cli 1 session list --json | jq length)" = 0 ] || fail "sessions of gone clients are left"
[ "$(lab_cli 1 open list --json | jq length)" = 0 ] || fail "opens of gone clients are left"
step "the same process, $(fds) descriptors, $(rss) KiB"
