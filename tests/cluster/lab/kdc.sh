# SPDX-License-Identifier: GPL-3.0-or-later
# An MIT KDC beside the client, for the realm LAB.TEST; its files are in $HF_LAB/kdc.

# lab_kdc_files N: realm, users alice and bob, a keytab with cifs/ of N nodes; sets HF_KEYTAB
lab_kdc_files() {
	local d=$HF_LAB/kdc i
	mkdir -p "$d"
	cat > "$d/krb5.conf" <<-END
	[libdefaults]
	  default_realm = LAB.TEST
	  dns_lookup_kdc = false
	  dns_lookup_realm = false
	  dns_canonicalize_hostname = false
	  rdns = false
	[realms]
	  LAB.TEST = {
	    kdc = $HF_NET.$HF_CLIENT_HOST
	  }
	[domain_realm]
	  .lab.test = LAB.TEST
	END
	cat > "$d/kdc.conf" <<-END
	[kdcdefaults]
	  kdc_listen = 88
	  kdc_tcp_listen = 88
	[realms]
	  LAB.TEST = {
	    database_name = $d/principal
	    key_stash_file = $d/stash
	    acl_file = $d/acl
	    supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
	  }
	[logging]
	  kdc = FILE:$d/kdc.log
	END
	: > "$d/acl"
	export KRB5_CONFIG=$d/krb5.conf KRB5_KDC_PROFILE=$d/kdc.conf
	{
		kdb5_util create -s -r LAB.TEST -P master-secret
		kadmin.local -q "addprinc -pw krb-alice alice"
		kadmin.local -q "addprinc -pw krb-bob bob"
		kadmin.local -q "addprinc -pw krb-eve eve"
		for i in $(seq "$1"); do
			kadmin.local -q "addprinc -randkey cifs/n$i.lab.test"
			kadmin.local -q "ktadd -k $d/keytab cifs/n$i.lab.test"
		done
	} > "$d/setup.log" 2>&1
	[ -s "$d/keytab" ] || lab_die "the KDC's database could not be made: $(tail -1 "$d/setup.log")"
	HF_KEYTAB=$d/keytab
}

lab_kdc_start() {
	(
		lab_close_fds
		lab_enter client setsid krb5kdc -n < /dev/null > "$HF_LAB/kdc/out" 2>&1
	) &
	disown
	for _ in $(seq 50); do
		lab_kinit alice krb-alice 2> /dev/null && return 0
		sleep 0.1
	done
	lab_die "the KDC gives no ticket: $(tail -2 "$HF_LAB/kdc/kdc.log")"
}

# lab_kinit USER PASSWORD: a ticket in $HF_LAB/kdc/cc-USER
lab_kinit() {
	echo "$2" | lab_client kinit -c "$HF_LAB/kdc/cc-$1" "$1@LAB.TEST" > /dev/null
}
