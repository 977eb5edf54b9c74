#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Things around a node that fail: a full disk, a read-only directory, corosync that restarts or is
# late, a wrong cluster key. The node says so, goes on, and recovers by itself.
. "$(dirname "$0")/lab/test.sh"
test_begin
lab_up 3 || fail "three nodes do not come up"
lab_accounts
cd "$HF_LAB" || exit 1

# smb I SHARE COMMANDS
smb() { lab_client timeout 60 smbclient "//$(lab_addr "$1")/$2" -U "$HF_USER" -c "$3" > out 2>&1; }
must() { smb "$@" || { cat out >&2; fail "smbclient on node $1: $3"; }; }
must_say() {
	smb "$2" "$3" "$4"
	grep -q "$1" out || { cat out >&2; fail "smbclient on node $2 does not say $1"; }
}
head -c 30000000 /dev/urandom > thirty
echo hello > hello

mkdir -p small
lab_exec 1 mount -t tmpfs -o size=20m,mode=1777 small "$HF_LAB/small" || fail "mount"
lab_share small "$HF_LAB/small" || fail "share create small"
sleep 1
must_say NT_STATUS_DISK_FULL 1 small 'put thirty'
must 1 small 'del thirty; put hello; get hello back'
cmp hello back || fail "after a full disk a small file is wrong"
step "a full disk"

mkdir -m 555 "$HF_DATA/data/readonly"
must_say NT_STATUS_ACCESS_DENIED 1 data 'put hello readonly\hello'
must 1 data 'ls readonly\*'
step "a read-only directory"

smb 1 data 'mkdir mine' || fail "mkdir"
mkdir -m 700 "$HF_DATA/data/private"
echo secret > "$HF_DATA/data/private/x"
must_say NT_STATUS_ACCESS_DENIED 1 data 'get private\x leaked'
[ ! -s leaked ] || fail "another's private file was read"
step "another's private directory"

lab_corosync_stop 2
lab_wait_view 2 30 || fail "two nodes do not go on when corosync of the third stops"
must 1 data 'put hello a'
smb 2 data 'put hello b' && fail "a node without corosync still serves"
lab_corosync_start 2
lab_wait_view 3 40 || fail "a node does not come back with its corosync"
must 2 data 'put hello b'
step "corosync was restarted on node 2"

lab_kill 3
lab_wait_view 2 30 || fail "two nodes do not go on"
lab_node_start 3
sleep 3
[ -n "$(lab_pids_of n3 holdfast-noded)" ] || fail "noded gives up while corosync is not there yet"
lab_corosync_start 3
lab_wait_view 3 40 || fail "a node whose corosync came late does not serve"
must 3 data 'put hello c'
step "corosync came later than noded on node 3"

lab_node_stop 3
cp cluster.key good.key
sed -i "s|^cluster_key_file: .*|cluster_key_file: $HF_LAB/wrong.key|" n3/etc/node.yaml
tr '0-9a-f' '1-9a-f0' < cluster.key > wrong.key
chmod 600 wrong.key
lab_node_start 3
sleep 5
must 1 data 'put hello d; get d back'
must 2 data 'get d back'
grep -qi 'key' n3/log/* n1/log/holdfast.log || fail "nobody mentions the wrong cluster key"
lab_node_stop 3
sed -i "s|^cluster_key_file: .*|cluster_key_file: $HF_LAB/cluster.key|" n3/etc/node.yaml
lab_node_start 3
lab_wait_view 3 40 || fail "a node does not come back with the right key"
step "a node with a wrong cluster key harms nobody"
