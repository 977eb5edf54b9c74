# SPDX-License-Identifier: GPL-3.0-or-later
# Samba with ctdb on the lab's nodes, out of a root tree of Debian sid (tests/interop/sid-samba.sh): the clustered peer. All
# nodes share one directory, as Holdfast's do; persistent handles are switched on as Samba 4.25 has them.

lab_ctdb_conf() { # I N
	local r=$HF_LAB/n$1/ctdb/root i
	lab_sid_mount "n$1" "$2" ctdb
	lab_exec "$1" sh -ec "mkdir -p $r/shared; mount --bind $HF_LAB/ctdb-shared $r/shared
		cd $r; mkdir -p var/lib/ctdb/volatile var/lib/ctdb/persistent var/lib/ctdb/state run/ctdb run/samba/ctdb \
			var/lib/samba/private var/log/ctdb var/log/samba var/cache/samba" || lab_die "no tree for ctdb on node $1"
	lab_exec "$1" sh -c "seq -f '$HF_NET.%g' 1 $3 > $r/etc/ctdb/nodes; : > $r/etc/ctdb/public_addresses"
	lab_exec "$1" sh -c "cat > $r/etc/ctdb/ctdb.conf" <<-END
	[logging]
	  location = file:/var/log/ctdb/log
	  log level = NOTICE
	[cluster]
	  cluster lock = /shared/reclock
	[legacy]
	  realtime scheduling = false
	END
	lab_exec "$1" sh -c "cat > $r/etc/samba/smb.conf" <<-END
	[global]
	  clustering = yes
	  netbios name = peer
	  server role = standalone server
	  disable netbios = yes
	  smb ports = 445
	  server min protocol = SMB2_02
	  load printers = no
	  passdb backend = tdbsam
	  persistent handles = yes
	  kernel oplocks = no
	  kernel share modes = no
	  posix locking = no
	  log file = /var/log/samba/log
	[data]
	  path = /shared/data
	  read only = no
	[ca]
	  path = /shared/ca
	  read only = no
	  continuous availability = yes
	END
}

# lab_ctdb_run I CMD...: in the node's tree
lab_ctdb_run() {
	local i=$1
	shift
	lab_exec "$i" chroot "$HF_LAB/n$i/ctdb/root" "$@"
}

lab_ctdb_daemon() {
	local i=$1
	shift
	(
		lab_close_fds
		lab_enter "n$i" setsid chroot "$HF_LAB/n$i/ctdb/root" "$@" < /dev/null >> "$HF_LAB/n$i/log/ctdb.out" 2>&1
	) &
	disown
}

lab_ctdb_ok() {
	[ "$(lab_ctdb_run 1 ctdb -X status 2>/dev/null | awk -F'|' 'NR > 1 && $4 == 0 && $5 == 0 && $6 == 0 && $7 == 0 && $8 == 0' | wc -l)" -ge "$1" ]
}

# lab_ctdb_up ROOT N: ctdbd and smbd on nodes 1..N; the user is root%samba, the shares are "data" and "ca"
lab_ctdb_up() {
	local i
	mkdir -p "$HF_LAB/ctdb-shared"/{data,ca}
	for i in $(seq "$2"); do lab_ctdb_conf "$i" "$1" "$2"; done
	for i in $(seq "$2"); do lab_ctdb_daemon "$i" ctdbd -i; done
	for _ in $(seq 600); do
		lab_ctdb_ok "$2" && break
		sleep 0.1
	done
	lab_ctdb_ok "$2" || lab_die "ctdb does not become healthy: $(tail -3 "$HF_LAB/n1/ctdb/root/var/log/ctdb/log" "$HF_LAB/n1/ctdb/up/var/log/ctdb/log" 2>/dev/null)"
	printf 'samba\nsamba\n' | lab_ctdb_run 1 smbpasswd -s -a root > "$HF_LAB/n1/log/smbpasswd" 2>&1 ||
		lab_die "smbpasswd failed: $(tail -1 "$HF_LAB/n1/log/smbpasswd")"
	for i in $(seq "$2"); do lab_ctdb_daemon "$i" smbd --foreground --no-process-group; done
	for i in $(seq "$2"); do
		for _ in $(seq 200); do
			lab_client smbclient -m SMB3 -U root%samba "//$HF_NET.$i/data" -c quit > /dev/null 2>&1 && continue 2
			sleep 0.1
		done
		lab_die "Samba of node $i does not answer: $(tail -3 "$HF_LAB/n$i/log/ctdb.out")"
	done
}
