# SPDX-License-Identifier: GPL-3.0-or-later
# Clients that work while something happens to the lab's three nodes, for tests (after test.sh and lab_accounts):
#
#   clients_work NAME ARGS...    peer/workload.py; its history is judged. Leaves result, history and err in $HF_LAB
#   clients_failed NAME WORDS    fails, and keeps beside node 1's logs what the clients saw
#   sleeper WHAT ADDRESS         peer/sleeper.py: one client with one open, away in between

PEER=$HF_LAB_HOME/peer

clients_failed() {
	cp "$HF_LAB/history" "$HF_LAB/n1/log/history-${1// /-}.jsonl" 2>/dev/null
	cp "$HF_LAB/err" "$HF_LAB/n1/log/clients.err" 2>/dev/null
	fail "$1: $2"
}

clients_work() {
	local name=$1
	shift
	lab_client "$PEER/workload.py" --servers "$(lab_addr 1),$(lab_addr 2),$(lab_addr 3)" --share $HF_CASHARE \
		--user "$HF_USER" --history "$HF_LAB/history" --verbose "$@" > "$HF_LAB/result" 2> "$HF_LAB/err" || {
		cat "$HF_LAB/result" >&2; grep -v '^[0-9.]* writer' "$HF_LAB/err" >&2
		clients_failed "$name" "the clients were not served as they must be"
	}
	/usr/bin/python3 "$HF_LAB_HOME/check-history.py" "$HF_LAB/history" > "$HF_LAB/verdict" || {
		cat "$HF_LAB/verdict" >&2
		clients_failed "$name" "the history is wrong"
	}
}

sleeper() {
	lab_client "$PEER/sleeper.py" --share $HF_CASHARE --user "$HF_USER" --state "$HF_LAB/sleeper" "$@" || fail "see above"
}
