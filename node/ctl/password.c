/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a password without showing it. One thread. */
#include <fcntl.h>
#include <termios.h>

#include "node/ctl/ctl.h"

/* One line without its end. False: end of file, or too long. */
static bool read_line(FILE *f, char *buf, size_t n)
{
	size_t len;

	if (!fgets(buf, (int)n, f))
		return false;
	len = strlen(buf);
	if (len && buf[len - 1] == '\n')
		buf[--len] = '\0';
	else if (len == n - 1)
		return false;
	if (len && buf[len - 1] == '\r')
		buf[len - 1] = '\0';
	return true;
}

static bool ask(FILE *tty, const char *prompt, char *buf, size_t n)
{
	struct termios old, quiet;
	bool ok;

	if (tcgetattr(fileno(tty), &old) < 0)
		return false;
	quiet = old;
	quiet.c_lflag &= (tcflag_t)~ECHO;
	fputs(prompt, tty);
	fflush(tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &quiet);
	ok = read_line(tty, buf, n);
	tcsetattr(fileno(tty), TCSAFLUSH, &old);
	fputs("\n", tty);
	return ok;
}

int ctl_password(bool from_stdin, char *buf, size_t n, FILE *err)
{
	char again[1024];
	bool same;
	FILE *tty;

	if (from_stdin) {
		if (read_line(stdin, buf, n) && *buf)
			return 0;
		fprintf(err, "holdfast: no password came on standard input\n");
		return -EINVAL;
	}
	tty = fopen("/dev/tty", "r+e");
	if (!tty) {
		fprintf(err, "holdfast: there is no terminal to ask for the password; use --password-stdin\n");
		return -EINVAL;
	}
	same = ask(tty, "Password: ", buf, n) && *buf && ask(tty, "Again: ", again, sizeof(again)) &&
	       strcmp(buf, again) == 0;
	explicit_bzero(again, sizeof(again));
	fclose(tty);
	if (same)
		return 0;
	fprintf(err, "holdfast: the two passwords differ or are empty; nothing was changed\n");
	return -EINVAL;
}
