#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The Linux kernel's client: a tree of files through plain, signed and sealed mounts, then fio with
# verification on a persistent handle while the file server under it is killed again and again.
# HF_PEER=samba: against Debian's Samba, without the last part.
. "$(dirname "$0")/../cluster/lab/test.sh"
HERE=$(cd "$(dirname "$0")" && pwd)/linux-client
"$HERE/build-image.sh" || fail "no image of the Linux client"
test_begin

if [ "${HF_PEER:-}" = samba ]; then
	lab_up 1 --corosync-only || fail "no lab"
	lab_samba_start n1
	HF_USER=root%samba SHARE=data
else
	lab_up 3 || fail "three nodes do not come up"
	lab_accounts
	SHARE=$HF_SHARE
fi

# mounted OPTIONS SHARE COMMAND
mounted() {
	lab_client "$HERE/run.sh" -t 180 -o "$1" -u "$HF_USER" "//$(lab_addr 1)/$2" "$3"
}

# What a user does to a tree; runs in the guest, in the mount.
work='set -e
cp -rL /usr/lib/x86_64-linux-gnu/perl-base tree
diff -r /usr/lib/x86_64-linux-gnu/perl-base tree
find tree -type f | wc -l
mv tree moved; diff -r /usr/lib/x86_64-linux-gnu/perl-base moved
head -c 20000000 /dev/urandom > /tmp/big; cp /tmp/big big; cmp /tmp/big big
truncate -s 5000 big; [ $(stat -c %s big) = 5000 ]; head -c 5000 /tmp/big | cmp - big
for i in $(seq 200); do echo $i > n$i; done; [ $(ls n* | wc -l) = 200 ]
mkdir many; (cd many; for i in $(seq 1500); do : > "a name that takes some room in a listing $i"; done)
[ $(ls many | wc -l) = 1500 ]; [ $(ls -l many | grep -c listing) = 1500 ]; rm -r many
for n in übung ÄÖÜß 日本語.txt файл "😀 b" "x+y=z;[1]"; do echo "$n" > "$n"; [ "$(cat "$n")" = "$n" ]; rm "$n"; done
touch -d "2001-02-03 04:05:06 UTC" big; [ $(stat -c %Y big) = 981173106 ]
flock big true
df . > /dev/null
rm -r moved big n*
[ -z "$(ls)" ]'
for o in vers=3.1.1 vers=3.1.1,sign vers=3.1.1,seal vers=3.0 vers=3.0,seal vers=2.1; do
	mounted "$o" $SHARE "$work" > "$HF_LAB/out" 2>&1 || { cat "$HF_LAB/out" >&2; fail "mounted with $o"; }
	step "mounted with $o"
done
[ "${HF_PEER:-}" != samba ] || exit 0

# A soft mount, which is the default, gives up with EAGAIN what was in flight: this client waits 3 s after a refused
# connection before it tries again.
SECS=${FIO_SECS:-40}
lab_client "$HERE/run.sh" -t $((SECS + 200)) -r "$HF_LAB/ready" -o vers=3.1.1,persistenthandles,hard -u "$HF_USER" \
	"//$(lab_addr 1)/$HF_CASHARE" "fio --name=v --filename=fio.data --size=64M --rw=randrw --bs=64k --ioengine=psync \
	--direct=1 --verify=crc32c --verify_backlog=64 --verify_fatal=1 --time_based --runtime=$SECS" > "$HF_LAB/out" 2>&1 &
fio=$!
for _ in $(seq 300); do
	[ ! -e "$HF_LAB/ready" ] || break
	sleep 0.1
done
[ -e "$HF_LAB/ready" ] || { cat "$HF_LAB/out" >&2; fail "no mount with persistenthandles"; }
sleep 3
lab_cli 1 open list --json | jq -e 'any(.[]; .handle == "persistent")' > /dev/null ||
	fail "the Linux client got no persistent handle"
kills=0
end=$((SECONDS + SECS - 10))
while [ $SECONDS -lt $end ] && [ -e "/proc/$fio" ]; do
	lab_kill_smbd 1
	kills=$((kills + 1))
	sleep 7
done
wait $fio || { cat "$HF_LAB/out" >&2; fail "fio with verification failed; its file server was killed $kills times"; }
step "fio verified its file while the file server was killed $kills times"
