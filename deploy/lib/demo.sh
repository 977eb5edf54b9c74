# SPDX-License-Identifier: GPL-3.0-or-later
# The main job, for real and step by step: files in through one node and out through the others, and
# an open file that survives the death of its node.

# Shares and users, made once; $DIR/env keeps their names and passwords.
demo_accounts() {
	local p1 p2
	say "Shares and users"
	if [ -e "$DIR/env" ]; then
		demo_env
	else
		p1=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
		p2=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
		PASSWORD1=$p1 PASSWORD2=$p2
	fi
	(lab_accounts "$PASSWORD1" "$PASSWORD2") || die "the shares and users could not be made; see $HF_LAB/n1/log"
	(
		umask 077
		for i in 1 2 3; do echo "NODE$i=$(lab_addr $i)"; done
		printf '%s\n' "SHARE=$HF_SHARE" "CASHARE=$HF_CASHARE" "USER=alice" "PASSWORD=$PASSWORD1" "USER2=bob" \
			"PASSWORD2=$PASSWORD2"
	) > "$DIR/env.new" && chmod 600 "$DIR/env.new" && mv "$DIR/env.new" "$DIR/env" || die "cannot write $DIR/env"
	demo_env
	note "users alice and bob; share '$SHARE' and the continuously available share '$CASHARE'"
}

demo_env() {
	NODE1=$(demo_env_of NODE1) NODE2=$(demo_env_of NODE2) NODE3=$(demo_env_of NODE3)
	SHARE=$(demo_env_of SHARE) CASHARE=$(demo_env_of CASHARE)
	USER1=$(demo_env_of USER) PASSWORD1=$(demo_env_of PASSWORD) USER2=$(demo_env_of USER2) PASSWORD2=$(demo_env_of PASSWORD2)
}
demo_env_of() { sed -n "s/^$1=//p" "$DIR/env"; }

# demo_smb NODE COMMANDS: smbclient as the first user, in the current directory
demo_smb() {
	lab_client smbclient "//$1/$SHARE" -U "$USER1%$PASSWORD1" -c "$2" > "$DIR/logs/smbclient.log" 2>&1 &&
		! grep -q '^NT_STATUS\|^Error' "$DIR/logs/smbclient.log" && return 0
	tail -n 5 "$DIR/logs/smbclient.log" | sed 's/^/    /' >&2
	die "smbclient failed at $1: $2"
}

# One checksum over names and contents of a directory.
demo_sum() {
	(cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
}

demo_files() {
	local w=$DIR/work i sum back t node name=demo-$$
	say "Files: in through node 1, out through nodes 2 and 3"
	[ "$(df --output=avail -k "$DIR" | tail -1)" -gt $((5 << 20)) ] || die "the demonstration needs 5 GiB of space in $DIR"
	rm -rf "$w"
	mkdir -p "$w/in/source"
	tar -C "$HF_TOP" --exclude=./build --exclude=./.git --exclude=./autom4te.cache -cf - . | tar -C "$w/in/source" -xf - ||
		die "cannot copy the sources to $w"
	head -c 1073741824 /dev/urandom > "$w/in/one-gigabyte" || die "cannot write 1 GiB to $w"
	sum=$(demo_sum "$w/in")
	t=$(date +%s%N)
	cd "$w/in" || exit 1
	demo_smb "$NODE1" "mkdir $name; cd $name; recurse; prompt; mput *"
	note "node 1: put $(find . -type f | wc -l) files, 1 GiB among them, in $(demo_seconds "$t") s; checksum $sum"
	for i in 2 3; do
		node=NODE$i
		mkdir -p "$w/out$i"
		cd "$w/out$i" || exit 1
		t=$(date +%s%N)
		demo_smb "${!node}" "cd $name; recurse; prompt; mget *"
		back=$(demo_sum "$w/out$i")
		note "node $i: got them back in $(demo_seconds "$t") s; checksum $back"
		[ "$back" = "$sum" ] || die "what came back through node $i is not what went in through node 1"
		rm -rf "$w/out$i"
	done
	cd "$w/in" || exit 1
	demo_smb "$NODE2" "deltree $name"
	[ ! -e "$HF_DATA/data/$name" ] || die "the files are still there after they were deleted through node 2"
	cd "$DIR" || exit 1
	rm -rf "$w"
}

demo_seconds() { awk -v a="$1" -v b="$(date +%s%N)" 'BEGIN {printf "%.1f", (b - a) / 1e9}'; }

demo_failover() {
	say "An open file survives the death of its node"
	lab_client "$HF_LAB/bin/hfclient" -D NODE1="$NODE1" -D NODE2="$NODE2" -D NODE3="$NODE3" -D CASHARE="$CASHARE" \
		-D USER1="$USER1" -D PASSWORD1="$PASSWORD1" -D USER2="$USER2" -D PASSWORD2="$PASSWORD2" \
		-D FILE="story-$$.txt" -D KILL="$HF_TOP/tests/cluster/lab.sh kill 1" "$HF_TOP/deploy/lib/demo.hfs" ||
		die "the open file did not survive; the nodes' logs are in $HF_LAB/n*/log"
	lab_start 1
	lab_wait_view 3 60 || die "node 1 did not come back; its logs are in $HF_LAB/n1/log"
	note "node 1 was started again and is back"
}

# The operator's command on the first node that answers.
lab_cli_any() {
	local i
	for i in 1 2 3; do
		lab_cli "$i" "$@" 2> "$DIR/logs/cli.log" && return 0
	done
	die "no node answers: $(tail -1 "$DIR/logs/cli.log")"
}
