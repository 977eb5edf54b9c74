#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Boots the Linux client, mounts //SERVER/SHARE, runs COMMAND in the mount, unmounts and powers off.
# Exits with the command's status; 32: the mount failed, 33: the umount did, 124: time is over, 125:
# the guest did not boot. The server is reached from where this runs: inside the lab, run it by
# "lab.sh client".
#
# usage: run.sh [-o MOUNT_OPTIONS] [-u USER%PASSWORD] [-t SECS] [-m MEMORY] [-d] [-r FILE] //SERVER/SHARE COMMAND
#   -d       print the guest's kernel log at the end
#   -r FILE  created as soon as the share is mounted
IMAGE=${HF_CACHE:-/var/cache/holdfast-tests}/linux-client
options=vers=3.1.1 user=guest% limit=300 memory=512M show_dmesg= ready=
while getopts o:u:t:m:r:d f; do
	case $f in
	o) options=$OPTARG ;;
	u) user=$OPTARG ;;
	t) limit=$OPTARG ;;
	m) memory=$OPTARG ;;
	r) ready=$OPTARG ;;
	d) show_dmesg=1 ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# = 2 ] || { sed -n '3,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ -x "$IMAGE/linux.uml" ] || { echo "run: no image in $IMAGE: run build-image.sh" >&2; exit 125; }
server=${1#//}
share=${server#*/}
server=${server%%/*}

job=$(mktemp -d "${TMPDIR:-/tmp}/hf-uml.XXXXXX")
slirp=''
cleanup() {
	[ -z "$slirp" ] || kill "$slirp" 2>/dev/null
	rm -rf "$job"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

printf '%s\n' "$2" > "$job/cmd"
: > "$job/out"
printf '%s=%q\n' SERVER "$server" SHARE "$share" SMBUSER "${user%%%*}" SMBPASS "${user#*%}" \
	OPTS "$options" MTU 16000 > "$job/env"

slirp4netns --mtu=16000 --target-type=bess "$job/net" > "$job/slirp.log" 2>&1 &
slirp=$!
for _ in $(seq 100); do
	[ ! -S "$job/net" ] || break
	sleep 0.02
done
[ -S "$job/net" ] || { echo "run: slirp4netns does not start: $(tail -1 "$job/slirp.log")" >&2; exit 125; }

timeout -k 5 "$limit" "$IMAGE/linux.uml" mem="$memory" \
	"vec0:transport=bess,dst=$job/net,depth=64,gro=1,mtu=16000,mac=52:54:00:12:34:56" \
	root=/dev/root rootfstype=hostfs "rootflags=$IMAGE/rootfs" ro init=/guest-init con=null con0=null,fd:1 \
	quiet loglevel=4 seccomp=auto "uml_dir=$job/" umid=u panic=-1 "job=$job" < /dev/null > "$job/console" 2>&1 &
uml=$!
if [ -n "$ready" ]; then
	(
		while [ -d "$job" ] && [ ! -e "$job/mounted" ]; do sleep 0.05; done
		[ ! -e "$job/mounted" ] || touch "$ready"
	) &
fi
tail -n +1 -s 0.1 -f --pid=$uml "$job/out"
wait $uml
status=$?
[ -z "$show_dmesg" ] || cat "$job/dmesg" 2>/dev/null
if [ -s "$job/rc" ]; then
	exit "$(cat "$job/rc")"
fi
tail -20 "$job/console" >&2
case $status in
124|137) exit 124 ;;
esac
exit 125
