# SPDX-License-Identifier: GPL-3.0-or-later
# The rules of the tree, checked on the files named on standard input (paths from the top folder). Prints one line
# "RULE FILE:LINE: SENTENCE" for each offence. Plain POSIX awk; run by tests/lint/lint.sh.
#
#	rooted     includes in quotes start at the top folder and exist
#	direction  a folder includes only itself and folders below it (doc/architecture.md)
#	spdx       the first or second line names the licence
#	length     .c up to 700 lines, .h up to 400
#	function   up to 100 lines
#	generated  compiled protobuf messages stay in the folder of their .proto
#	todo       no notes to self
#	cleanup    what a _cleanup_ will free is initialised where it is declared
function offence(rule, file, line, sentence) {
	printf "%s %s:%d: %s\n", rule, file, line, sentence
}
function folder(path) {
	sub(/\/[^\/]*$/, "", path)
	return path
}
function exists(path,    line, r) {
	if (!(path in known)) {
		r = (getline line < (top "/" path))
		close(top "/" path)
		known[path] = r >= 0
	}
	return known[path]
}
# Where a folder of the product stands; a name that is not listed takes the number of its parent.
function rank(dir) {
	while (!(dir in ranks) && sub(/\/[^\/]*$/, "", dir))
		;
	return dir in ranks ? ranks[dir] : -1
}
# The part of the product that shares only what is below it: clusterd, smbd, witness. "" for common code.
function part(dir) {
	if (dir ~ /^clusterd\/client(\/|$)/ || dir ~ /^(node|statestore)(\/|$)/)
		return ""
	sub(/\/.*/, "", dir)
	return dir
}
function may_include(from, to) {
	if (from == to)
		return 1
	if (part(to) != "" && part(to) != part(from))
		return 0
	return rank(to) >= 0 && rank(to) < rank(from)
}
function check_include(file, line, target,    from, to, proto) {
	if (target !~ /\//) {
		offence("rooted", file, line, "\"" target "\" does not start at the top folder")
		return
	}
	from = folder(file)
	to = folder(target)
	proto = target
	if (sub(/\.pb-c\.h$/, ".proto", proto)) {
		if (!exists(proto))
			offence("rooted", file, line, "there is no " proto)
		# a module's own unit tests and fuzz targets may bend its messages; clusterd is the other end of its client
		if (from != to && from !~ /^tests\/(unit|fuzz)(\/|$)/ && !(from == "clusterd" && to == "clusterd/client"))
			offence("generated", file, line, "\"" target "\" belongs to " to "/ alone")
	} else if (!(target in made) && !exists(target)) {
		offence("rooted", file, line, "there is no " target)
	}
	if (from ~ /^tests(\/|$)/)
		return
	if (to ~ /^tests(\/|$)/ || !may_include(from, to))
		offence("direction", file, line, from "/ must not include " to "/")
}
function check_file(file, is_c,    text, path, n, spdx, start, r) {
	path = top "/" file
	n = spdx = start = 0
	while ((r = (getline text < path)) > 0) {
		n++
		if (n <= 2 && text ~ /SPDX-License-Identifier: GPL-3\.0-or-later/)
			spdx = 1
		if (text ~ note)
			offence("todo", file, n, "a note to self: say it in an issue")
		if (!is_c)
			continue
		if (text ~ /^[ \t]*#[ \t]*include[ \t]*"/) {
			sub(/^[^"]*"/, "", text)
			sub(/".*/, "", text)
			check_include(file, n, text)
		} else if (text ~ /^[ \t]+_cleanup_[a-z_]*[ (]/ && text ~ /;/ && text !~ /=/) {
			offence("cleanup", file, n, "not initialised: an early return would free garbage")
		} else if (text ~ /^\{/) {
			start = n
		} else if (text ~ /^\}/ && start) {
			if (n - start - 1 > 100)
				offence("function", file, start, "the function has " (n - start - 1) " lines")
			start = 0
		}
	}
	close(path)
	if (r < 0)
		offence("spdx", file, 0, "the file cannot be read")
	else if (!spdx)
		offence("spdx", file, 1, "no SPDX line in the first two lines")
	if (file ~ /\.c$/ && n > 700)
		offence("length", file, n, "a .c file has at most 700 lines")
	if (file ~ /\.h$/ && n > 400)
		offence("length", file, n, "a .h file has at most 400 lines")
}
BEGIN {
	split("node/base 0 node/wire 1 node/log 2 node/conf 2 node/crypto 2 node/loop 3 node/net 4 node/auth 5 " \
	      "node/dcerpc 5 node/rpc 6 node/ctl 7 node/noded 7 statestore 10 clusterd/client 11 clusterd 12 " \
	      "witness 12 smbd/wire 12 smbd/lock 12 smbd/vfs 12 smbd/notify 12.5 smbd/proto 13 smbd/pipe 14 smbd/op 15 smbd 16", t, " ")
	for (i = 1; i in t; i += 2)
		ranks[t[i]] = t[i + 1]
	made["node/base/utf_tables.h"] = 1
	# Put together here, so that this file passes.
	note = "(^|[^A-Za-z0-9_])(TO" "DO|FIX" "ME|X" "XX)([^A-Za-z0-9_]|$)"
}
{ check_file($0, $0 ~ /\.[ch]$/) }
