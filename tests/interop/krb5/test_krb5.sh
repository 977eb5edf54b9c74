#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs the initiator's program against a KDC of its own; skipped where there is no krb5-kdc.
here=$(cd "$(dirname "$0")" && pwd)
program=$(cd "${top_builddir:-.}" && pwd)/tests/interop/krb5/krb5_roundtrip
PATH=$PATH:/usr/sbin:/sbin
for tool in krb5kdc kadmin.local kdb5_util kinit; do
	command -v $tool > /dev/null || { echo "1..0 # SKIP $tool not found"; exit 0; }
done
dir=$(mktemp -d) || exit 1
trap '"$here/kdc.sh" stop "$dir"; rm -rf "$dir"' EXIT
port=$((20000 + $$ % 20000))
"$here/kdc.sh" start "$dir" 127.0.0.1 $port TEST.EXAMPLE cifs/node1.example || exit 1
"$here/kdc.sh" user "$dir" alice secret-of-alice || exit 1
"$here/kdc.sh" user "$dir" mallory secret-of-mallory || exit 1
set -a
. "$dir/env"
set +a
for who in alice mallory; do
	KRB5CCNAME=FILE:$dir/cc-$who kinit $who <<< secret-of-$who > /dev/null || exit 1
done
CCACHES=$dir "$program"
