#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Shares on a real CephFS: Debian's smbclient through several nodes, what must be refused, and persistent opens that survive
# the death of file servers and nodes. With words, only the tests of persistent opens whose names contain them.
. "$(dirname "$0")/../cluster/lab/test.sh"
PEER=$(cd "$(dirname "$0")/../cluster" && pwd)
BIG=${BIG:-300}
test_begin
# Leases of a tenth of the heartbeat's grace run out on a busy machine, and a lone OSD's placement groups then stay
# unreadable.
CEPH_OSDS=1 CEPH_EXTRA="osd pool default read lease ratio = 0.8" lab_up 3 || fail "three nodes with Ceph do not come up"
lab_ceph_fs files
lab_accounts
lab_ceph_share cfs /shares/plain || fail "no share on the CephFS"
lab_ceph_share cfsca /shares/ca --continuously-available || fail "no continuously available share on the CephFS"
export CEPH_CONF=$HF_LAB/ceph/ceph.conf CEPH_FS=files
W=$HF_LAB/work
mkdir -p "$W"
cd "$W" || exit 1

# smb NODE USER COMMANDS
smb() { lab_client timeout 120 smbclient "//$(lab_addr "$1")/cfs" -U "$2" -c "$3" > "$W/out" 2>&1; }
must() { smb "$@" || { cat "$W/out" >&2; fail "smbclient: $3"; }; }
must_say() {
	local word=$1
	shift
	smb "$@"
	grep -q "$word" "$W/out" || { cat "$W/out" >&2; fail "smbclient: $3 does not say $word"; }
}

unit_tests() {
	local t
	t=$(find "${HF_BUILD:-$PEER/../../build}" -type f -path '*/smbd-vfs/test_vfs' -perm -u+x | head -1)
	[ -n "$t" ] || fail "no unit test test_vfs under HF_BUILD: run make check TESTS="
	lab_client env HF_TEST_CEPHFS="$CEPH_CONF" timeout 100 "$t" > out 2>&1 || { cat out >&2; fail "the unit tests of the VFS on CephFS"; }
	step "the unit tests of the VFS"
}

trees() {
	local i
	mkdir -p tree/a/b tree/leer back
	for i in $(seq 60); do head -c $((i * 997)) /dev/urandom > "tree/a/b/file-$i"; done
	echo text > 'tree/a/Straße-Ärger.txt'
	must 1 "$HF_USER" 'recurse; prompt; mput tree'
	must 2 "$HF_USER" 'recurse; prompt; lcd back; mget tree'
	diff -r tree back/tree || fail "a tree came back from another node as something else"
	must 3 "$HF_USER" 'cd TREE\A\b; ls'
	[ "$(grep -c ' file-[0-9]' out)" = 60 ] || fail "a directory of 60 files lists $(grep -c ' file-[0-9]' out)"
	must 3 "$HF_USER" 'get TREE\a\STRAßE-ÄRGER.TXT back.txt'
	[ "$(lab_ceph_files owner /shares/plain/tree/a/b/file-1)" = 20001 ] || fail "a file is not its user's"
	step "a tree of files, names in any case"
}

big_file() {
	local sum
	head -c "${BIG}M" /dev/urandom > big
	sum=$(sha256sum < big)
	must 1 "$HF_USER" 'put big'
	must 2 "$HF_USER" 'get big big.back'
	[ "$(sha256sum < big.back)" = "$sum" ] || fail "$BIG MiB changed on the way"
	must 2 "$HF_USER" 'put big big2'
	must 3 "$HF_USER" 'get big2 big.back'
	[ "$(sha256sum < big.back)" = "$sum" ] || fail "$BIG MiB changed on the way"
	must 1 "$HF_USER" 'del big; del big2'
	rm -f big big.back
	step "$BIG MiB there and back through other nodes"
}

names() {
	echo x > x
	must 1 "$HF_USER" 'mkdir d; put x d\one; put x d\two; rename d\one d\Three'
	must 2 "$HF_USER" 'get d\THREE back.txt'
	must_say NT_STATUS_OBJECT_NAME_COLLISION 2 "$HF_USER" 'rename d\three d\two'
	must 2 "$HF_USER" 'rename d\three d\THREE'
	must_say 'THREE' 3 "$HF_USER" 'ls d\*'
	must_say NT_STATUS_OBJECT_NAME_NOT_FOUND 1 "$HF_USER" 'get d\one back.txt'
	must_say NT_STATUS_DIRECTORY_NOT_EMPTY 3 "$HF_USER" 'rmdir d'
	must 1 "$HF_USER" 'setmode d\two +rh'
	must_say 'attributes:.*[RH][RH]' 2 "$HF_USER" 'allinfo d\two'
	must_say NT_STATUS_CANNOT_DELETE 2 "$HF_USER" 'del d\two' # write-protected
	must 2 "$HF_USER" 'setmode d\two -rh'
	must 2 "$HF_USER" 'utimes d\two 2001:02:03-04:05:06 2002:02:03-04:05:06 2003:02:03-04:05:06 -1'
	must_say 'create_time:.*2001' 3 "$HF_USER" 'allinfo d\two'
	must_say 'write_time:.*2003' 3 "$HF_USER" 'allinfo d\two'
	must 3 "$HF_USER" 'deltree d'
	must_say NT_STATUS_NO_SUCH_FILE 1 "$HF_USER" 'ls d'
	step "renames, attributes, times and deletes"
}

refusals() {
	must 1 "$HF_USER" 'mkdir mine; put x mine\secret'
	lab_client smbcacls "//$(lab_addr 1)/cfs" 'mine\secret' -U "$HF_USER" > out 2>&1
	lab_ceph_files chmod 600 /shares/plain/mine/secret
	lab_ceph_files chmod 755 /shares/plain/mine
	must_say NT_STATUS_ACCESS_DENIED 2 "$HF_USER2" 'get mine\secret leaked'
	must_say NT_STATUS_ACCESS_DENIED 2 "$HF_USER2" 'put x mine\theirs'
	must_say NT_STATUS_ACCESS_DENIED 2 "$HF_USER2" 'del mine\secret'
	must_say NT_STATUS_ACCESS_DENIED 2 "$HF_USER2" 'rename mine\secret mine\public'
	must 2 "$HF_USER" 'get mine\secret back.txt'
	lab_ceph_files put /outside secret
	lab_ceph_files symlink /outside /shares/plain/absolute
	lab_ceph_files symlink ../../outside /shares/plain/relative
	lab_ceph_files symlink mine/secret /shares/plain/inside
	must_say NT_STATUS_ 1 "$HF_USER" 'get absolute leaked'
	must_say NT_STATUS_ 1 "$HF_USER" 'get relative leaked'
	must_say NT_STATUS_ 1 "$HF_USER" 'cd .snap; ls'
	[ ! -e leaked ] || fail "something was read that must not be"
	must 1 "$HF_USER" 'get inside back.txt'
	step "other users, symlinks out of the share and snapshots by name are refused"
}

quota() {
	lab_ceph_files mkdir 1777 /shares/plain/small
	lab_ceph_share small /shares/small || fail "no third share"
	lab_ceph_files quota 16777216 /shares/small
	lab_client smbclient "//$(lab_addr 1)/small" -U "$HF_USER" -c 'du' > out 2>&1
	grep -qE '(16384|[0-9]+) blocks of size' out && awk '/blocks of size/ {exit !($1 * $5 == 16777216)}' FS='[ .]+' out ||
		{ cat out >&2; fail "the quota is not the size of the share"; }
	hf small 'c1 create t1 "much" access=all disposition=overwrite_if -> h
		c1 write h 0 "fits"
		c1 write h 32m "x" expect DISK_FULL
		c1 set_info h eof size=32m expect DISK_FULL
		c1 read h 0 9 expect data="fits"'
	step "a quota is the size of the share, and the disk is full beyond it"
}

# hf SHARE STATEMENTS: as c1 with the tree t1, by node 2
hf() {
	lab_client timeout 60 "$HF_LAB/bin/hfclient" -e "client c1 connect $(lab_addr 2)
		c1 login ${HF_USER%%%*} ${HF_USER#*%}
		c1 tree $1 -> t1
		$2" > "$W/out" 2>&1 || { cat "$W/out" >&2; fail "hfclient on $1"; }
}

# Two snapshots, of the share's root and of a directory, with another content of the file in each.
snapshots_make() {
	printf first > x1
	printf second > x2
	printf third > x3
	must 1 "$HF_USER" 'mkdir p; mkdir p\q; put x1 p\q\f; put x1 p\q\g'
	lab_ceph_files snap /shares/plain s1
	sleep 1.1
	must 2 "$HF_USER" 'put x2 p\q\f; del p\q\g'
	lab_ceph_files snap /shares/plain/p s2
	must 1 "$HF_USER" 'put x3 p\q\f'
	must 3 "$HF_USER" 'allinfo p\q\f'
	# one line for each version, newest first
	mapfile -t VERSIONS < <(grep -o '^@GMT-[0-9.-]*' out)
	[ ${#VERSIONS[@]} = 2 ] && [[ ${VERSIONS[0]} > ${VERSIONS[1]} ]] ||
		{ cat out >&2; fail "the previous versions are ${VERSIONS[*]}"; }
}

# is_version TOKEN CONTENT [PATH]
is_version() {
	rm -f back.txt
	must 3 "$HF_USER" "get $1\\${3:-p\\q\\f} back.txt"
	[ "$(cat back.txt)" = "$2" ] || fail "version $1 is '$(cat back.txt)', not '$2'"
}

snapshots_fixed() {
	local c
	for c in "put x3 $1\\p\\q\\f" "put x3 $1\\p\\q\\new" "del $1\\p\\q\\f" "mkdir $1\\p\\new" \
		"rename $1\\p\\q\\f $1\\p\\q\\h" "setmode $1\\p\\q\\f +r"; do
		must_say NT_STATUS_MEDIA_WRITE_PROTECTED 2 "$HF_USER" "$c"
	done
	must_say NT_STATUS_OBJECT_NAME_NOT_FOUND 2 "$HF_USER" 'get @GMT-2001.01.01-00.00.00\p\q\f back.txt'
	is_version "$1" first
}

# What smbclient does not ask for.
snapshots_raw() {
	hf cfs 'c1 create t1 "p/q/f" access=all share= -> live
		c1 ioctl live snapshots max=15 expect INVALID_PARAMETER
		c1 ioctl live snapshots max=16 expect snapshots=2 returned=0 size=102 length=16
		c1 ioctl live snapshots max=113 expect snapshots=2 returned=0 size=102
		c1 ioctl live snapshots max=114 expect snapshots=2 returned=2 length=114 save OLD=oldest NEW=newest
		# nobody shares today'"'"'s file, and it is locked and to be deleted: its versions have nothing to do with that
		c1 lock live 0 100
		c1 set_info live disposition delete=1
		c1 create t1 "p/q/f" disposition=open access=read,write,delete share= twrp=$OLD mxac qfid -> old
		c1 read old 0 9 expect data="first"
		c1 lock old 0 3
		c1 write old 0 "x" expect MEDIA_WRITE_PROTECTED
		c1 flush old expect MEDIA_WRITE_PROTECTED
		c1 set_info old eof size=0 expect MEDIA_WRITE_PROTECTED
		c1 set_info old disposition delete=1 expect MEDIA_WRITE_PROTECTED
		c1 set_info old basic attributes=1 expect MEDIA_WRITE_PROTECTED
		c1 set_info old rename name="p/other" expect MEDIA_WRITE_PROTECTED
		c1 ioctl old set_sparse input=hex:01 expect MEDIA_WRITE_PROTECTED
		c1 create t1 "p/q/f" disposition=open twrp=$OLD expect SHARING_VIOLATION
		c1 create t1 "p/q/f" disposition=open access=read twrp=$NEW -> new
		c1 read new 0 9 expect data="second"
		for D in overwrite overwrite_if supersede {
			c1 create t1 "p/q/f" disposition=$D twrp=$NEW expect MEDIA_WRITE_PROTECTED
		}
		for D in create open_if overwrite_if {
			c1 create t1 "p/q/none" disposition=$D twrp=$NEW expect MEDIA_WRITE_PROTECTED
		}
		c1 create t1 "p/q/f" disposition=create twrp=$NEW expect OBJECT_NAME_COLLISION
		c1 create t1 "p/q/f" disposition=open options=delete_on_close twrp=$NEW expect MEDIA_WRITE_PROTECTED
		c1 create t1 "p/q/g" disposition=open twrp=$NEW expect OBJECT_NAME_NOT_FOUND
		c1 create t1 "" disposition=open twrp=$NEW expect OBJECT_NAME_NOT_FOUND
		c1 create t1 "" disposition=open options=dir access=read twrp=$OLD -> root
		c1 list root "p" expect count=1
		c1 close root
		c1 set_info live disposition delete=0'
	lab_ceph_files put /shares/ca/kept text
	lab_ceph_files snap /shares/ca c1
	hf cfsca 'c1 create t1 "kept" disposition=open access=read -> h
		c1 ioctl h snapshots expect snapshots=1 save T=newest
		c1 create t1 "kept" disposition=open access=read dh2q persistent -> live
		c1 query_info live internal
		c1 create t1 "kept" disposition=open access=read dh2q persistent twrp=$T -> old expect persistent=0'
}

snapshots() {
	snapshots_make
	is_version "${VERSIONS[1]}" first
	is_version "${VERSIONS[0]}" second
	is_version "${VERSIONS[1]}" first 'P\Q\G'
	must 2 "$HF_USER" "ls ${VERSIONS[1]}\\p\\q\\*"
	[ "$(grep -cE '^  [fg] ' out)" = 2 ] || { cat out >&2; fail "the old directory does not list its two files"; }
	snapshots_fixed "${VERSIONS[1]}"
	snapshots_raw
	lab_client timeout 60 smbtorture "//$(lab_addr 1)/cfs" -U "$HF_USER" --option=torture:twrp_file='p\q\f' \
		--option=torture:twrp_snapshot="${VERSIONS[1]}" --format=subunit smb2.twrp.write > out 2>&1
	grep -q '^success:.*write' out || { cat out >&2; fail "smbtorture's twrp.write"; }
	must 1 "$HF_USER" 'deltree p'
	is_version "${VERSIONS[1]}" first
	must_say NT_STATUS_ 1 "$HF_USER" 'cd .snap; ls'
	step "previous versions are listed, read and left alone"
}

# A run that Ceph has shut out must not go on, and the next one must serve.
fenced() {
	local addr end
	addr=$(lab_ceph_in ceph daemon "$HF_LAB/ceph/run/mds.m.asok" session ls 2> /dev/null |
		jq -r '.[] | select(.client_metadata.uuid // "" | startswith("holdfast-1-")) | .inst' | sed 's/.* //' | head -1)
	[ -n "$addr" ] || fail "the MDS knows no session of node 1"
	lab_ceph_mon "{\"prefix\":\"osd blocklist\",\"blocklistop\":\"add\",\"addr\":\"$addr\"}" > /dev/null
	smb 1 "$HF_USER" 'put x fenced' && fail "a node that Ceph has shut out took a file"
	end=$(($(date +%s) + 20))
	until smb 1 "$HF_USER" 'put x fenced'; do
		[ "$(date +%s)" -lt $end ] || { cat out >&2; fail "node 1 does not serve again after it was shut out"; }
		sleep 0.3
	done
	grep -q 'has shut this run out' "$HF_LAB/n1/log/holdfast.log" || fail "node 1 does not say that it was shut out"
	step "a node that was shut out of Ceph begins anew"
}

persistent() {
	lab_client "$PEER/peer/persistent.py" --lab "$PEER/lab.sh" --share cfsca --plain-share cfs \
		--directory cephfs:/shares/ca --user "$HF_USER" --user2 "$HF_USER2" "$@" || fail "persistent opens, see above"
}

if [ $# = 0 ]; then
	unit_tests
	trees
	big_file
	names
	refusals
	quota
	snapshots
	fenced
	set -- granted connection renamed killed next deadline whole
fi
persistent "$@"
if grep -qs 'reclaimed' "$HF_LAB"/n*/log/holdfast.log; then
	grep -q 'session of a run that is over was ended' "$HF_LAB"/n*/log/holdfast.log ||
		fail "no session of a killed file server was ended"
fi
