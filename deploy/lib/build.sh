# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the tree into a directory of its own below build/ in the clone.

# build_tree DIR LOGDIR CONFIGURE_OPTIONS...: configure when something about it changed, then make
build_tree() {
	local dir=$1 logs=$2 what
	shift 2
	mkdir -p "$dir" "$logs"
	if [ ! -x "$HF_TOP/configure" ] || [ "$HF_TOP/configure.ac" -nt "$HF_TOP/configure" ]; then
		note "autogen.sh"
		run_logged "$logs/autogen.log" "./autogen.sh" "$HF_TOP/autogen.sh"
	fi
	what="$HF_TOP $*"
	if [ ! -e "$dir/Makefile" ] || [ "$(cat "$dir/.configured" 2>/dev/null)" != "$what" ]; then
		note "configure $*"
		(cd "$dir" && run_logged "$logs/configure.log" "configure" "$HF_TOP/configure" "$@") || exit 1
		echo "$what" > "$dir/.configured"
	fi
	note "make (the output goes to $logs/make.log)"
	run_logged "$logs/make.log" "make" make -C "$dir" -j"$(nproc)"
}
