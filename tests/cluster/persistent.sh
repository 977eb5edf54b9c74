#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Persistent opens on three nodes; arguments are words in the names of the tests to run.
. "$(dirname "$0")/lab/test.sh"
PEER=$(cd "$(dirname "$0")" && pwd)
test_begin
lab_up 3 || fail "three nodes do not come up"
lab_accounts
lab_client "$PEER/peer/persistent.py" --lab "$PEER/lab.sh" --share $HF_CASHARE --plain-share $HF_SHARE \
	--directory "$HF_DATA/ca" --user "$HF_USER" --user2 "$HF_USER2" "$@" || fail "see above"
