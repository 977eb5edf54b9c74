#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Debian's smbclient against one node: every dialect, every signing and encryption algorithm, names,
# listings, and what must be refused. With HF_PEER=samba the server is Debian's Samba instead, which
# proves the test.
. "$(dirname "$0")/../cluster/lab/test.sh"
test_begin

if [ "${HF_PEER:-}" = samba ]; then
	lab_up 1 --corosync-only || fail "no lab"
	lab_samba_start n1
	HF_USER=root%samba SHARE=data HF_DATA_DIR=$HF_LAB/n1/samba/data
else
	lab_up 1 || fail "one node does not come up"
	lab_accounts
	SHARE=$HF_SHARE HF_DATA_DIR=$HF_DATA/data
fi
SERVER=$(lab_addr 1)
W=$HF_LAB/work
mkdir -p "$W"
cd "$W" || exit 1

# smb OPTIONS... -- COMMANDS
smb() {
	local o=()
	while [ "$1" != -- ]; do o+=("$1"); shift; done
	lab_client timeout 60 smbclient "//$SERVER/$SHARE" -U "$HF_USER" "${o[@]}" -c "$2" > "$W/out" 2>&1
}
must() { smb "$@" || { cat "$W/out" >&2; fail "smbclient $*"; }; }
must_say() {
	local word=$1
	shift
	smb "$@"
	grep -q "$word" "$W/out" || { cat "$W/out" >&2; fail "smbclient $* does not say $word"; }
}

head -c 5000001 /dev/urandom > five
: > empty
round_trip() {
	local what=$1
	shift
	must "$@" -- "put five; get five back; put empty; get empty empty.back; del five; del empty"
	cmp five back || fail "$what: five megabytes changed on the way"
	[ ! -s empty.back ] || fail "$what: an empty file is not empty"
	rm -f back empty.back
	step "$what"
}

for d in SMB2_02 SMB2_10 SMB3_00 SMB3_02 SMB3_11; do
	round_trip "dialect $d" -m $d --option="client min protocol=$d"
	round_trip "dialect $d, signed" -m $d --option="client min protocol=$d" --client-protection=sign
done
for a in hmac-sha256 aes-128-cmac aes-128-gmac; do
	round_trip "signing $a" -m SMB3_11 --client-protection=sign --option="client smb3 signing algorithms=$a"
done
for a in aes-128-ccm aes-128-gcm aes-256-ccm aes-256-gcm; do
	round_trip "encryption $a" -m SMB3_11 --client-protection=encrypt --option="client smb3 encryption algorithms=$a"
done
for d in SMB3_00 SMB3_02; do
	round_trip "encryption in $d" -m $d --option="client min protocol=$d" --client-protection=encrypt
done
round_trip "from SMB1's negotiate up" --option="client min protocol=NT1" -m SMB3

lab_client smbclient -L "$SERVER" -U "$HF_USER" > out 2>&1 || { cat out >&2; fail "smbclient -L"; }
grep -qw "$SHARE" out && grep -q 'IPC\$' out || { cat out >&2; fail "smbclient -L does not list the shares"; }
step "the list of shares"


must -- 'mkdir dir; mkdir dir\sub; put five dir\a.txt; put empty dir\B.TXT; put empty dir\sub\c'
must_say 'a.txt  *. *5000001' -- 'ls dir\*'
must_say 'B.TXT' -- 'ls dir\*.txt'
must_say 'NT_STATUS_NO_SUCH_FILE' -- 'ls dir\*.doc'
must -- 'recurse; ls'
for w in a.txt B.TXT sub; do grep -q "$w" out || fail "a recursive listing misses $w"; done
for i in $(seq 300); do echo "put empty dir\\sub\\file-$i;"; done | tr -d '\n' > puts
must -- "$(cat puts)"
must -- 'ls dir\sub\*'
[ "$(grep -c 'file-[0-9]' out)" = 300 ] || fail "a directory of 300 files lists $(grep -c 'file-[0-9]' out)"
step "directories and listings"

must -- 'get dir\A.TXT back'
cmp five back || fail "a name in other letters is another file"
must -- 'put empty dir\Straße-Ärger-日本-🙂.txt; get dir\STRAßE-ÄRGER-日本-🙂.TXT back'
must -- 'rename dir\a.txt dir\renamed.txt; get dir\renamed.txt back'
cmp five back || fail "a renamed file has other contents"
must_say NT_STATUS_OBJECT_NAME_COLLISION -- 'rename dir\renamed.txt dir\B.TXT'
must_say NT_STATUS_OBJECT_NAME_NOT_FOUND -- 'get dir\missing back'
must_say NT_STATUS_OBJECT_PATH_NOT_FOUND -- 'get missing\missing back'
must_say NT_STATUS_DIRECTORY_NOT_EMPTY -- 'rmdir dir'
must_say NT_STATUS_OBJECT_NAME_COLLISION -- 'mkdir dir'
must -- 'allinfo dir\renamed.txt'
grep -q 'create_time' out || { cat out >&2; fail "allinfo shows no times"; }
must -- 'setmode dir\renamed.txt +rh; allinfo dir\renamed.txt'
grep -q 'attributes:.*RH\|attributes:.*HR' out || { cat out >&2; fail "attributes are not kept"; }
must -- 'setmode dir\renamed.txt -rh'
must -- 'du; volume'
must -- 'deltree dir'
must_say NT_STATUS_NO_SUCH_FILE -- 'ls dir'
step "names, attributes, renames and deletes"

good=$HF_USER
HF_USER="${good%\%*}%wrong" must_say NT_STATUS_LOGON_FAILURE -- ls
HF_USER="nobody-of-that-name%${good#*%}" must_say NT_STATUS_LOGON_FAILURE -- ls
SHARE=no-such-share must_say NT_STATUS_BAD_NETWORK_NAME -- ls
step "wrong passwords, users and shares are refused"

ln -s /etc "$HF_DATA_DIR/outside"
must_say 'NT_STATUS_' -- 'get outside\passwd leaked'
[ ! -s leaked ] || fail "a symlink led out of the share"
must_say 'NT_STATUS_' -- 'get ..\..\etc\passwd leaked'
[ ! -s leaked ] || fail "'..' led out of the share"
rm "$HF_DATA_DIR/outside"
step "no way out of the share"
