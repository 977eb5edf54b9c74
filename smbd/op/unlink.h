/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deleting a file whose last open is closed and whose home is gone. */
#ifndef HF_SMBD_OP_UNLINK_H
#define HF_SMBD_OP_UNLINK_H

#include "smbd/lock/lock.h"

/* [task] For lockc_config.unlink; `arg` is the struct worker. Runs as the process: the right to delete was checked when deletion was
 * asked for. */
int op_unlink(void *arg, const struct rec_open *rec);

#endif
