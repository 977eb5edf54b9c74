# SPDX-License-Identifier: GPL-3.0-or-later
# The shares and users that tests and the quickstart use: "data", the continuously available "ca",
# and two users with ids that no account of the machine has.

HF_SHARE=data
HF_CASHARE=ca

# lab_user NAME UID PASSWORD: nothing when the user is there already
lab_user() {
	lab_cli 1 user list --json | jq -e --arg n "$1" 'any(.[]; .name == $n)' > /dev/null 2>&1 && return 0
	printf '%s' "$3" | lab_cli 1 user add "$1" --uid "$2" --gid "$2" --password-stdin
}

# lab_share NAME DIR [OPTIONS...]
lab_share() {
	local name=$1 dir=$2
	shift 2
	mkdir -p "$dir"
	chmod 1777 "$dir"
	lab_cli 1 share list --json | jq -e --arg n "$name" 'any(.[]; .name == $n)' > /dev/null 2>&1 && return 0
	lab_cli 1 share create "$name" --path "$dir" "$@"
}

# lab_accounts [PASSWORD [PASSWORD2]]: alice and bob, both shares; sets HF_USER, HF_USER2 ("name%password")
lab_accounts() {
	local p1=${1:-Al1ce-secret} p2=${2:-B0b-secret}
	lab_user alice 20001 "$p1" || lab_die "cannot add the user alice"
	lab_user bob 20002 "$p2" || lab_die "cannot add the user bob"
	lab_share $HF_SHARE "$HF_DATA/data" || lab_die "cannot create the share $HF_SHARE"
	lab_share $HF_CASHARE "$HF_DATA/ca" --continuously-available || lab_die "cannot create the share $HF_CASHARE"
	HF_USER="alice%$p1"
	HF_USER2="bob%$p2"
	printf 'HF_USER=%q HF_USER2=%q\n' "$HF_USER" "$HF_USER2" >> "$HF_LAB/settings"
}
