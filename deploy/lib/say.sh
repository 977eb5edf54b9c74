# SPDX-License-Identifier: GPL-3.0-or-later
# How the scripts of deploy/ talk.

say() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# run_logged LOG WHAT CMD...: quiet when it works; else the end of its output and one sentence
run_logged() {
	local log=$1 what=$2
	shift 2
	"$@" > "$log" 2>&1 && return 0
	tail -n 25 "$log" | sed 's/^/    /' >&2
	die "$what failed; all of its output is in $log"
}
