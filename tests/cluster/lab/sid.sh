# SPDX-License-Identifier: GPL-3.0-or-later
# Programs of Debian sid in the lab's namespaces, out of the tree that tests/interop/sid-samba.sh makes: smbtorture on the client, and
# Samba on a node as the peer, with persistent handles as Samba 4.25 has them.

# lab_sid_mount NAME TREE WHAT: an overlay of the tree at $HF_LAB/NAME/WHAT/root, seen by NAME alone; what is written there goes
# with the lab
lab_sid_mount() {
	local d=$HF_LAB/$1/$3
	mkdir -p "$d"/{up,work,root}
	lab_in "$1" sh -ec "mount -t overlay overlay -o lowerdir=$2,upperdir=$d/up,workdir=$d/work $d/root
		cd $d/root
		mount -t proc proc proc; mount --bind /dev dev; mount --bind /run run; mount --bind /dev/shm dev/shm
		cp /etc/hosts etc/hosts" || lab_die "no overlay for $1"
}

# Shares of Samba; N of each kind: data, data2, ..., ca, ca2, ...
lab_sid_shares() {
	local i
	for i in '' $(seq 2 "$1"); do
		cat <<-END
		[data$i]
		  path = /shared/data$i
		  read only = no
		[ca$i]
		  path = /shared/ca$i
		  read only = no
		  continuous availability = yes
		  smb3 ca:max lease mask = RWH
		END
	done
}

# lab_sid_samba NAME TREE: smbd of sid in the namespaces of NAME; the shares "data" to "data4" and "ca" to "ca4", the user root%samba
lab_sid_samba() {
	local r=$HF_LAB/$1/sid/root i
	lab_sid_mount "$1" "$2" sid
	mkdir -p "$HF_LAB/$1/samba"/{data,ca}{,2,3,4}
	lab_in "$1" sh -ec "mkdir -p $r/shared; mount --bind $HF_LAB/$1/samba $r/shared" || lab_die "no directory for Samba on $1"
	{
		cat <<-END
		[global]
		  server role = standalone server
		  netbios name = $1
		  disable netbios = yes
		  smb ports = 445
		  server min protocol = SMB2_02
		  load printers = no
		  unix extensions = no
		  log file = /var/log/samba/log
		  persistent handles = yes
		  smb3 directory leases = yes
		  kernel oplocks = no
		  kernel share modes = no
		  posix locking = no
		END
		lab_sid_shares 4
	} | lab_in "$1" sh -c "cat > $r/etc/samba/smb.conf" || lab_die "no configuration for Samba on $1"
	printf 'samba\nsamba\n' | lab_in "$1" chroot "$r" smbpasswd -s -a root > "$HF_LAB/$1/log/smbpasswd" 2>&1 ||
		lab_die "smbpasswd failed: $(tail -1 "$HF_LAB/$1/log/smbpasswd")"
	(
		lab_close_fds
		lab_enter "$1" setsid chroot "$r" smbd --foreground --no-process-group < /dev/null > "$HF_LAB/$1/log/samba" 2>&1
	) &
	disown
	for i in $(seq 200); do
		lab_in "$1" smbclient -m SMB3 -U root%samba //127.0.0.1/data -c quit > /dev/null 2>&1 && return 0
		sleep 0.1
	done
	lab_die "Samba of $1 does not answer: $(tail -3 "$HF_LAB/$1/log/samba")"
}
