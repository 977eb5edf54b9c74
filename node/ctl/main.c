/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operator's command. */
#include "node/ctl/ctl.h"

int main(int argc, char **argv)
{
	int status = ctl_main(argc, argv, stdout, stderr);

	if (fflush(stdout) != 0 && status == CTL_OK) {
		fprintf(stderr, "holdfast: the output cannot be written: %s\n", strerror(errno));
		status = CTL_FAILED;
	}
	return status;
}
