#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The lint as a TAP test (sh and POSIX awk): one case per rule of lint.awk over the whole tree, and one case that
# proves on a small bad tree that each rule bites. AWK and top_srcdir come from make check.
LC_ALL=C
export LC_ALL
top=${top_srcdir:-.}
awk=${AWK:-awk}
here=$top/tests/lint
rules='rooted direction spdx length function generated todo cleanup'

# Sources of the folder $1, generated ones left out.
sources() {
	(cd "$1" && find node statestore clusterd witness smbd tests deploy -type f \( \
		-name '*.[ch]' -o -name '*.def' -o -name '*.proto' -o -name '*.awk' -o -name '*.sh' -o \
		-name '*.py' -o -name 'Makefile.inc' \) ! -name '*.pb-c.[ch]' ! -name utf_tables.h 2>/dev/null | sort)
}

lint() {
	sources "$1" | "$awk" -v top="$1" -f "$here/lint.awk"
}

# A tree with exactly one offence per rule.
make_bad_tree() {
	spdx='/* SPDX-License-Identifier: GPL-3.0-or-later */'
	mkdir -p "$1/node/base" "$1/node/wire" "$1/node/rpc" "$1/smbd/wire" "$1/clusterd" "$1/tests" || return 1
	for f in node/base/a.h node/wire/w.h clusterd/c.h node/rpc/m.proto; do
		echo "$spdx" >"$1/$f"
	done
	{ echo "$spdx"; echo '#include "w.h"'; } >"$1/node/wire/rooted.c"
	{ echo "$spdx"; echo '#include "node/base/a.h"'; echo '#include <stdio.h>'; } >"$1/node/wire/good.c"
	{ echo "$spdx"; echo '#include "node/wire/w.h"'; } >"$1/node/base/direction.c"
	{ echo "$spdx"; echo '#include "clusterd/c.h"'; } >"$1/smbd/wire/direction.c"
	echo 'int x;' >"$1/node/base/spdx.c"
	{ echo "$spdx"; yes '' | head -n 700; } >"$1/node/base/length.c"
	{ echo "$spdx"; echo '{'; yes '' | head -n 101; echo '}'; } >"$1/node/base/function.c"
	{ echo "$spdx"; echo '#include "node/rpc/m.pb-c.h"'; } >"$1/tests/generated.c"
	{ echo "$spdx"; echo '#include "node/rpc/m.pb-c.h"'; } >"$1/node/rpc/good.c"
	printf '%s\n\t%s\n' "$spdx" '_cleanup_arena_ struct arena a;' >"$1/node/base/cleanup.c"
	{ echo "$spdx"; echo '/* TO''DO: more */'; echo 'char *t = "/tmp/a.XX''XXXX";'; } >"$1/node/base/todo.c"
}

expected='cleanup node/base/cleanup.c:2
direction node/base/direction.c:2
direction smbd/wire/direction.c:2
function node/base/function.c:2
generated tests/generated.c:2
length node/base/length.c:701
rooted node/wire/rooted.c:2
spdx node/base/spdx.c:1
todo node/base/todo.c:2'

# shellcheck disable=SC2086
set -- $rules
echo "1..$(($# + 1))"
n=0
found=$(lint "$top") || { echo "Bail out! the lint cannot run"; exit 1; }
for rule; do
	n=$((n + 1))
	if bad=$(printf '%s\n' "$found" | grep "^$rule "); then
		printf '%s\n' "$bad" | sed "s/^$rule /# /"
		echo "not ok $n - $rule"
	else
		echo "ok $n - $rule"
	fi
done

n=$((n + 1))
bad_tree=$(mktemp -d) || exit 1
trap 'rm -rf "$bad_tree"' EXIT
make_bad_tree "$bad_tree"
got=$(lint "$bad_tree" | sed 's/: .*//' | sort)
if [ "$got" = "$expected" ]; then
	echo "ok $n - the rules bite"
else
	printf '%s\n' "$got" | sed 's/^/# got: /'
	echo "not ok $n - the rules bite"
fi
exit 0
