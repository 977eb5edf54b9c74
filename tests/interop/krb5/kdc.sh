#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A private MIT KDC, as any user.
#   kdc.sh start DIR ADDRESS PORT REALM [SERVICE...]   e.g. cifs/node1.example; keys go to DIR/keytab
#   kdc.sh user DIR NAME PASSWORD                      adds a principal
#   kdc.sh stop DIR
# Everything lives in DIR; DIR/env holds the variables that clients and servers need (KRB5_CONFIG and so on).
set -eu
PATH=$PATH:/usr/sbin:/sbin

die() { echo "kdc.sh: $*" >&2; exit 1; }

write_config() {
	cat > "$dir/krb5.conf" <<-EOF
	[libdefaults]
		default_realm = $realm
		dns_lookup_kdc = false
		dns_lookup_realm = false
		dns_canonicalize_hostname = false
		rdns = false
	[realms]
		$realm = {
			kdc = $address:$port
		}
	EOF
	cat > "$dir/kdc.conf" <<-EOF
	[kdcdefaults]
		kdc_listen = $address:$port
		kdc_tcp_listen = $address:$port
	[realms]
		$realm = {
			database_name = $dir/principal
			key_stash_file = $dir/stash
			acl_file = $dir/acl
			supported_enctypes = aes256-cts:normal aes128-cts:normal
		}
	[logging]
		kdc = FILE:$dir/kdc.log
	EOF
	cat > "$dir/env" <<-EOF
	KRB5_CONFIG=$dir/krb5.conf
	KRB5_KDC_PROFILE=$dir/kdc.conf
	KRB5RCACHENAME=file2:$dir/rcache
	KEYTAB=$dir/keytab
	EOF
}

load_env() {
	[ -r "$dir/env" ] || die "no KDC in $dir"
	set -a
	. "$dir/env"
	set +a
}

start() {
	[ $# -ge 3 ] || die "usage: start DIR ADDRESS PORT REALM [SERVICE...]"
	address=$1 port=$2 realm=$3
	shift 3
	command -v krb5kdc > /dev/null || die "krb5kdc not found: install krb5-kdc"
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	write_config
	load_env
	kdb5_util -r "$realm" create -s -P "$(od -An -N16 -tx1 /dev/urandom | tr -d ' ')" > "$dir/setup.log" 2>&1 ||
		{ cat "$dir/setup.log" >&2; die "cannot create the database"; }
	for service; do
		kadmin.local -r "$realm" addprinc -randkey "$service" >> "$dir/setup.log" 2>&1
		kadmin.local -r "$realm" ktadd -k "$dir/keytab" "$service" >> "$dir/setup.log" 2>&1
	done
	krb5kdc -r "$realm" -P "$dir/pid" >> "$dir/setup.log" 2>&1 || { cat "$dir/setup.log" >&2; die "krb5kdc does not start"; }
}

cmd=${1-} dir=${2-}
[ -n "$dir" ] || die "usage: kdc.sh start|user|stop DIR ..."
shift 2
case $cmd in
start) start "$@" ;;
user)
	load_env
	kadmin.local addprinc -pw "$2" "$1" >> "$dir/setup.log" 2>&1 || die "cannot add $1"
	;;
stop)
	[ ! -r "$dir/pid" ] || kill "$(cat "$dir/pid")"
	;;
*) die "unknown command $cmd" ;;
esac
