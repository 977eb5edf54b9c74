# SPDX-License-Identifier: GPL-3.0-or-later
# A real Ceph for the lab: one monitor, N OSDs on bluestore, optionally one MDS, all in the namespace
# "ceph" beside the nodes, with everything they keep in $HF_LAB/ceph. They end with the lab (lab_down).
#
# environment: CEPH_OSDS (1), CEPH_SIZE (copies of each object, default the number of OSDs, at most 3),
# CEPH_AUTH (cephx or none), CEPH_EXTRA (lines for the [global] section), CEPH_DISK (memory: the daemons keep their data
# in a tmpfs, which outlives them but not the lab, and stands for fast devices of their own; or disk: in $HF_LAB/ceph).
#
#   lab_ceph_up              monitor and OSDs; $HF_LAB/ceph/ceph.conf is for every client
#   lab_ceph_pool NAME [PGS [APPLICATION]]  a replicated pool;  lab_ceph_pool_ec NAME  an erasure-coded one
#   lab_ceph_user NAME CAPS...   a key in $HF_LAB/ceph/client.NAME.keyring (cephx)
#   lab_ceph_fs NAME         an MDS and the CephFS NAME
#   lab_ceph_kill DAEMON, lab_ceph_start DAEMON...  osd.0, mon.a, mds.m: kill -9; start again
#   lab_ceph_files COMMAND...  touches the CephFS of lab_ceph_fs behind the nodes' back, see ceph-fs.py
#   lab_ceph_share NAME DIR [OPTIONS...]  a share on DIR of that CephFS, as the Ceph user "files"
#   lab_ceph_mon JSON...     commands to the monitor, their output
# lab_up starts Ceph when CEPH_OSDS is set; lab_ceph_alone starts it without any node. Clients on nodes and on
# "client" need CEPH_CONF=$HF_LAB/ceph/ceph.conf or the like.

HF_CEPH_HOST=210

lab_ceph_in() { (export CEPH_CONF="$HF_LAB/ceph/ceph.conf"; lab_enter ceph "$@"); }

# lab_ceph_mon JSON...
lab_ceph_mon() { lab_ceph_in /usr/bin/python3 "$HF_LAB_HOME/lab/ceph-mon.py" "$@"; }

# lab_ceph_conf FSID SIZE
lab_ceph_conf() {
	local d=$HF_LAB/ceph auth=${CEPH_AUTH:-cephx} a=$HF_NET.$HF_CEPH_HOST
	# Small machines: short heartbeats so that a dead OSD is noticed in seconds, small caches, no waiting
	# for larger proposals of the monitor.
	cat > "$d/ceph.conf" <<-END
	[global]
	fsid = $1
	mon host = [v2:$a:3300/0]
	public network = $HF_NET.0/24
	ms bind ipv6 = false
	ms bind msgr1 = false
	auth cluster required = $auth
	auth service required = $auth
	auth client required = $auth
	run dir = $d/run
	log file = $d/log/\$name.log
	crash dir = $d/crash
	osd pool default size = $2
	osd pool default min size = $(($2 > 1 ? $2 - 1 : 1))
	osd pool default pg autoscale mode = off
	osd pool default read lease ratio = 0.4
	${CEPH_EXTRA:-}
	[mon]
	mon data = $d/data/mon
	keyring = $d/keyring
	pid file = $d/run/\$name.pid
	admin socket = $d/run/\$name.asok
	mon cluster log file = $d/log/cluster.log
	mon allow pool size one = true
	mon allow pool delete = true
	mon warn on pool no redundancy = false
	mon data avail warn = 1
	mon data avail crit = 0
	mon osd min down reporters = 1
	auth allow insecure global id reclaim = false
	paxos propose interval = 0.01
	paxos min wait = 0.01
	[osd]
	osd data = $d/data/osd\$id
	keyring = $d/keyring
	pid file = $d/run/\$name.pid
	admin socket = $d/run/\$name.asok
	osd objectstore = bluestore
	osd op num shards = 2
	osd op num threads per shard = 1
	osd crush update on start = false
	osd class update on start = false
	osd heartbeat interval = 1
	osd heartbeat grace = 4
	bdev aio poll ms = 5
	bluestore block size = 4294967296
	bluestore fsck on mkfs = false
	bluestore cache autotune = false
	bluestore cache size = 67108864
	[mds]
	keyring = $d/keyring
	pid file = $d/run/\$name.pid
	admin socket = $d/run/\$name.asok
	[client]
	log file =
	admin socket =
	[client.admin]
	keyring = $d/client.admin.keyring
	END
}

# lab_ceph_keys OSDS: every daemon's key goes into the monitor's first keyring
lab_ceph_keys() {
	local d=$HF_LAB/ceph i
	(
		umask 077
		cd "$d" || exit 1
		ceph-authtool -C keyring
		ceph-authtool keyring --gen-key -n mon. --cap mon 'allow *'
		ceph-authtool keyring --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' \
			--cap mds 'allow *' --cap mgr 'allow *'
		for i in $(seq 0 $(($1 - 1))); do
			ceph-authtool keyring --gen-key -n "osd.$i" --cap mon 'allow profile osd' --cap osd 'allow *'
		done
		ceph-authtool keyring --gen-key -n mds.m --cap mon 'allow profile mds' --cap mds 'allow *' --cap osd 'allow *'
		ceph-authtool -C client.admin.keyring
		ceph-authtool client.admin.keyring -n client.admin --add-key "$(ceph-authtool keyring -n client.admin -p)"
	) > "$d/log/keys" 2>&1 || lab_die "Ceph's keys could not be made: $(tail -1 "$d/log/keys")"
}

# lab_ceph_start DAEMON...: returns when they have initialised
lab_ceph_start() {
	local d=$HF_LAB/ceph i w=()
	for i; do
		(lab_close_fds; lab_ceph_in "ceph-${i%%.*}" -i "${i#*.}" < /dev/null > "$d/log/$i.out" 2>&1) &
		w+=($!)
	done
	for i; do
		wait "${w[0]}" || lab_die "Ceph's $i does not start: $(tail -n 2 "$d/log/$i.out")"
		w=("${w[@]:1}")
	done
}

# lab_ceph_pid DAEMON: its pid, as long as it runs
lab_ceph_pid() {
	local p
	p=$(cat "$HF_LAB/ceph/run/$1.pid" 2>/dev/null) || return 1
	lab_pids_of ceph "ceph-${1%%.*}" | grep -x "$p"
}

# lab_ceph_kill DAEMON [SIGNAL]
lab_ceph_kill() {
	local p
	p=$(lab_ceph_pid "$1") || lab_die "Ceph's $1 does not run"
	kill "-${2:-KILL}" "$p"
	[ "${2:-KILL}" = KILL ] || return 0
	while lab_ceph_pid "$1" > /dev/null; do sleep 0.02; done
}

# lab_ceph_osds N
lab_ceph_osds() {
	local d=$HF_LAB/ceph i uuid w=() new=()
	for i in $(seq 0 $(($1 - 1))); do
		uuid[i]=$(cat /proc/sys/kernel/random/uuid)
		lab_ceph_in mkdir -p "$d/data/osd$i"
		new+=("{\"prefix\":\"osd new\",\"uuid\":\"${uuid[i]}\",\"id\":$i}")
		new+=("{\"prefix\":\"osd crush add\",\"id\":$i,\"weight\":1.0,\"args\":[\"host=h$i\",\"root=default\"]}")
	done
	lab_ceph_mon "${new[@]}" > /dev/null || lab_die "the monitor does not take the OSDs"
	for i in $(seq 0 $(($1 - 1))); do
		(
			lab_ceph_in ceph-osd -i "$i" --mkfs --osd-uuid "${uuid[i]}" > "$d/log/mkfs.osd.$i" 2>&1 ||
				lab_die "an OSD cannot be made: $(tail -n 2 "$d/log/mkfs.osd.$i")"
			lab_ceph_start "osd.$i"
		) &
		w+=($!)
	done
	for i in "${w[@]}"; do wait "$i" || lab_die "Ceph's OSDs do not start"; done
}

# lab_ceph_up: needs the lab's network (lab_net_up)
lab_ceph_up() {
	local d=$HF_LAB/ceph osds=${CEPH_OSDS:-1} fsid size
	fsid=$(cat /proc/sys/kernel/random/uuid)
	size=${CEPH_SIZE:-$((osds < 3 ? osds : 3))}
	command -v ceph-mon > /dev/null || lab_die "there is no ceph-mon: install the packages of group check"
	mkdir -p "$d"/{run,log,data,crash}
	lab_plug ceph "$HF_NET.$HF_CEPH_HOST"
	case ${CEPH_DISK:-memory} in
	memory) lab_in ceph mount -t tmpfs -o size=12g,mode=700 data "$d/data" || lab_die "cannot mount a tmpfs for Ceph" ;;
	disk) ;;
	*) lab_die "CEPH_DISK is '$CEPH_DISK': memory or disk is known" ;;
	esac
	lab_ceph_in mkdir -p "$d/data/mon"
	lab_ceph_conf "$fsid" "$size"
	lab_ceph_keys "$osds"
	monmaptool --create --fsid "$fsid" --addv a "[v2:$HF_NET.$HF_CEPH_HOST:3300/0]" "$d/monmap" > "$d/log/mkfs.mon" 2>&1 &&
		lab_ceph_in ceph-mon --mkfs -i a --monmap "$d/monmap" --keyring "$d/keyring" >> "$d/log/mkfs.mon" 2>&1 ||
		lab_die "Ceph's monitor cannot be made: $(tail -n 2 "$d/log/mkfs.mon")"
	lab_ceph_start mon.a
	lab_ceph_osds "$osds"
	# What clients may read: the nodes' programs run as root, test clients need not.
	chmod 755 "$d"
	chmod 644 "$d/ceph.conf"
}

# A lab without nodes, with Ceph and the namespace "client"; after test_begin.
lab_ceph_alone() {
	mkdir -p "$HF_LAB/hold"
	tr -dc a-f0-9 < /dev/urandom | head -c 8 > "$HF_LAB/id"
	lab_net_up 0
	lab_ceph_up
}

# lab_ceph_pool NAME [PGS [APPLICATION]]
lab_ceph_pool() {
	lab_ceph_mon "{\"prefix\":\"osd pool create\",\"pool\":\"$1\",\"pg_num\":${2:-32},\"pgp_num\":${2:-32}}" \
		"{\"prefix\":\"osd pool application enable\",\"pool\":\"$1\",\"app\":\"${3:-holdfast}\"}" > /dev/null ||
		lab_die "the pool $1 cannot be made"
}

lab_ceph_pool_ec() {
	lab_ceph_mon '{"prefix":"osd erasure-code-profile set","name":"ec21","profile":["k=2","m=1","crush-failure-domain=osd"],"force":true}' \
		"{\"prefix\":\"osd pool create\",\"pool\":\"$1\",\"pg_num\":4,\"pgp_num\":4,\"pool_type\":\"erasure\",\"erasure_code_profile\":\"ec21\"}" \
		> /dev/null || lab_die "the erasure-coded pool $1 cannot be made"
}

# lab_ceph_user NAME MONCAPS OSDCAPS [MDSCAPS]
lab_ceph_user() {
	local d=$HF_LAB/ceph
	ceph-authtool -C "$d/client.$1.keyring" --gen-key -n "client.$1" --cap mon "$2" --cap osd "$3" \
		${4:+--cap mds "$4"} > /dev/null && lab_ceph_in /usr/bin/python3 "$HF_LAB_HOME/lab/ceph-mon.py" \
		--input "$d/client.$1.keyring" '{"prefix":"auth import"}' || lab_die "the Ceph user $1 cannot be made"
}

# The pool and the user of a cluster's records.
lab_ceph_store() {
	lab_ceph_pool holdfast
	lab_ceph_user hf 'allow r, allow command "osd blocklist"' 'allow rw pool=holdfast'
}

# lab_ceph_fs NAME [SECS]
lab_ceph_fs() {
	local end
	lab_ceph_pool "$1_meta" 8 cephfs
	lab_ceph_pool "$1_data" 8 cephfs
	lab_ceph_mon "{\"prefix\":\"fs new\",\"fs_name\":\"$1\",\"metadata\":\"$1_meta\",\"data\":\"$1_data\"}" > /dev/null ||
		lab_die "the CephFS $1 cannot be made"
	echo "$1" > "$HF_LAB/ceph/fs"
	lab_ceph_start mds.m
	end=$(($(date +%s) + ${2:-30}))
	until lab_ceph_mon '{"prefix":"mds stat"}' | grep -q 'up:active'; do
		[ "$(date +%s)" -lt $end ] || lab_die "the MDS of $1 does not become active"
		sleep 0.2
	done
}

# lab_ceph_files COMMAND...
lab_ceph_files() {
	(export CEPH_CONF="$HF_LAB/ceph/ceph.conf" CEPH_FS=$(cat "$HF_LAB/ceph/fs"); lab_enter ceph /usr/bin/python3 \
		"$HF_LAB_HOME/lab/ceph-fs.py" "$@")
}

# lab_ceph_share NAME DIR [OPTIONS...]
lab_ceph_share() {
	local name=$1 dir=$2 fs
	shift 2
	fs=$(cat "$HF_LAB/ceph/fs")
	[ -s "$HF_LAB/ceph/client.files.keyring" ] ||
		lab_ceph_user files 'allow r' "allow rw tag cephfs data=$fs" 'allow rw'
	lab_ceph_files mkdir 1777 "$dir" || lab_die "no directory $dir in the CephFS $fs"
	lab_cli 1 share create "$name" "$@" \
		--path "cephfs:$fs$dir?conf=$HF_LAB/ceph/ceph.conf&id=files&keyring=$HF_LAB/ceph/client.files.keyring"
}
