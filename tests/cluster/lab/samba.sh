# SPDX-License-Identifier: GPL-3.0-or-later
# Debian's Samba on a lab node, as the peer that measurements and our own tests are compared with.

# lab_samba_start NAME: smbd in the namespaces of NAME (n1, client...), share "data", user root%samba
lab_samba_start() {
	local d=$HF_LAB/$1/samba
	mkdir -p "$d"/{private,lock,state,cache,pid,ncalrpc,data}
	cat > "$d/smb.conf" <<-END
	[global]
	  server role = standalone server
	  netbios name = $1
	  private dir = $d/private
	  lock directory = $d/lock
	  state directory = $d/state
	  cache directory = $d/cache
	  pid directory = $d/pid
	  ncalrpc dir = $d/ncalrpc
	  passdb backend = tdbsam:$d/private/passdb.tdb
	  disable netbios = yes
	  smb ports = 445
	  server min protocol = SMB2_02
	  load printers = no
	  log file = $d/log
	  unix extensions = no
	[data]
	  path = $d/data
	  read only = no
	END
	printf 'samba\nsamba\n' | lab_in "$1" smbpasswd -c "$d/smb.conf" -s -a root > "$d/smbpasswd.out" 2>&1 ||
		lab_die "smbpasswd failed: $(tail -1 "$d/smbpasswd.out")"
	(
		lab_close_fds
		lab_enter "$1" setsid smbd --foreground --no-process-group --configfile="$d/smb.conf" \
			< /dev/null > "$d/out" 2>&1
	) &
	disown
	for _ in $(seq 100); do
		lab_in "$1" smbclient -m SMB3 -U root%samba //127.0.0.1/data -c quit > /dev/null 2>&1 && return 0
		sleep 0.1
	done
	lab_die "Samba does not answer: $(tail -2 "$d/out" "$d/log" 2>/dev/null)"
}

lab_samba_stop() {
	lab_pids_of "$1" smbd | xargs -r kill -KILL
}
