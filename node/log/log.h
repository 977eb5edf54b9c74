/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log of a process: one line per event, "what happened: key=value key=value", to the journal, a
 * file or stderr. All threads may log at any time, also before log_open() (to stderr then). One
 * line is one write.
 *
 * Text that came from a client or from a file goes through log_esc(), so that it cannot forge a
 * line or a key.
 */
#ifndef HF_NODE_LOG_LOG_H
#define HF_NODE_LOG_LOG_H

#include <stdarg.h>

#include "node/base/util.h"

/* From few lines to many; the numbers are those of the log_level row of node.yaml. */
enum log_level {
	LOG_LEVEL_ERR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/*
 * Opens the log. `target` is "journal", "stderr" or "file:/absolute/path"; `process` and `node`
 * (NULL: none) are copied and stand in every line. Can be called again to change the target.
 * -EINVAL: unknown target; the errno of open(2) for a file, -ENOTCONN when there is no journal: the
 * former target stays then.
 */
int log_open(const char *target, const char *process, const char *node, enum log_level level);
/* Opens the file anew (after rotation; call it on SIGHUP). 0 for the other targets. The old file
 * stays on failure. */
int log_reopen(void);
/* Goes back to stderr and closes the file. */
void log_close(void);

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* "error", "warning", "info", "debug"; -EINVAL otherwise. */
int log_level_parse(const char *s, enum log_level *ret);
const char *log_level_name(enum log_level level);

/* Whether a line of this level would be written. */
bool log_enabled(enum log_level level);
/* Writes one line; newlines and other control characters in it become '?'. errno is left alone. */
void log_write(enum log_level level, const char *fmt, ...) HF_PRINTF(2, 3);
void log_vwrite(enum log_level level, const char *fmt, va_list ap) HF_PRINTF(2, 0);

#define log_at(level, ...)                             \
	do {                                           \
		if (log_enabled(level))                \
			log_write(level, __VA_ARGS__); \
	} while (0)
#define log_err(...) log_at(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * Returns `s` fit for a value in a line: as it is when it is plain, else in double quotes with
 * backslash escapes
 * (\" \\ \n, \xNN for bytes that are not printable ASCII or valid UTF-8); NULL gives "-". Cut at
 * about 200 bytes with "...". The result is in one of 8 buffers of the calling thread: good until
 * the eighth next call.
 */
const char *log_esc(const char *s);
/* The same for bytes that need not end in NUL. */
const char *log_esc_n(const void *s, size_t n);
/* The text of an error for a line; takes errno values of either sign. Buffers as log_esc. */
const char *log_errno(int err);

/* Zero-filled: nothing was said yet. One per place in the code, usually static; any thread. */
struct log_rl {
	uint64_t second;
	uint32_t count;
	uint32_t suppressed;
};

/* Whether one more line may be written at this place in this second. `per_second` >= 1. When lines
 * were held back in an earlier second, their number is logged first ("lines suppressed: count=N").
 */
bool log_ratelimit(struct log_rl *rl, uint32_t per_second);

#endif
