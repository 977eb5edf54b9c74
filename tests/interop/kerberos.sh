#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Kerberos with a real MIT KDC and Debian's smbclient: a ticket opens the share, a stranger's does not.
. "$(dirname "$0")/../cluster/lab/test.sh"
test_begin

lab_kdc_files 1
lab_up 1 || fail "one node does not come up"
lab_kdc_start
lab_accounts
SHARE=$HF_SHARE
W=$HF_LAB/work
mkdir -p "$W"
cd "$W" || exit 1

# smb USER OPTIONS... -- COMMANDS
smb() {
	local o=() user=$1
	shift
	while [ "$1" != -- ]; do o+=("$1"); shift; done
	lab_client env KRB5CCNAME="FILE:$HF_LAB/kdc/cc-$user" timeout 60 smbclient //n1.lab.test/$SHARE \
		--use-kerberos=required \
		--use-krb5-ccache="$HF_LAB/kdc/cc-$user" "${o[@]}" -c "$2" > out 2>&1
}

head -c 3000001 /dev/urandom > three
for o in -mSMB2_10 -mSMB3_00 -mSMB3_11 "--client-protection=sign" "--client-protection=encrypt"; do
	smb alice "$o" -- "put three; get three back; del three" || { cat out >&2; fail "with a ticket ($o)"; }
	cmp three back || fail "the file changed on the way ($o)"
	rm back
	step "a ticket opens the share ($o)"
done

smb alice -- "put three owned" || fail "put"
[ "$(stat -c %u "$HF_DATA/data/owned")" = 20001 ] || fail "the file does not belong to the user of the ticket"
lab_kinit eve krb-eve || fail "kinit eve"
smb eve -- ls && fail "a principal that is no user of the cluster got in"
grep -q NT_STATUS_LOGON_FAILURE out || { cat out >&2; fail "a stranger's ticket is not refused as it should be"; }
step "a stranger's ticket does not"
lab_client smbclient //n1.lab.test/$SHARE -U "$HF_USER" -c ls > out 2>&1 || { cat out >&2; fail "NTLM beside Kerberos"; }
step "and a password still does"
