/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log's targets and lines. The settings are one static object behind a read-write lock: writers
 * of lines hold it shared, log_open(), log_reopen() and log_close() exclusively. Any thread.
 */
#include "node/log/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define LINE_MAX_BYTES 2048

enum target { TO_STDERR, TO_FILE, TO_JOURNAL };

static struct {
	pthread_rwlock_t lock;
	enum target target;
	int fd; /* TO_FILE */
	char *path; /* TO_FILE */
	char process[32];
	char node[64];
} log_state = { .lock = PTHREAD_RWLOCK_INITIALIZER, .fd = -1 };

static _Atomic int log_level = LOG_LEVEL_INFO;

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARN] = { "warning", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
	return (enum log_level)atomic_load_explicit(&log_level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return level <= log_get_level();
}

const char *log_level_name(enum log_level level)
{
	return (size_t)level < ARRAY_SIZE(levels) ? levels[level].name : "unknown";
}

int log_level_parse(const char *s, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (strcmp(s, levels[i].name) == 0) {
			*ret = (enum log_level)i;
			return 0;
		}
	return -EINVAL;
}

static int open_file(const char *path, int *ret)
{
	int fd;

	if (path[0] != '/')
		return -EINVAL;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

/* Opens what `target` names; the path and the file belong to the caller. */
static int open_target(const char *target, enum target *ret, char **ret_path, int *ret_fd)
{
	int r;

	if (strcmp(target, "stderr") == 0) {
		*ret = TO_STDERR;
		return 0;
	}
	if (strcmp(target, "journal") == 0) {
		if (access("/run/systemd/journal/socket", W_OK) < 0)
			return -ENOTCONN;
		*ret = TO_JOURNAL;
		return 0;
	}
	if (strncmp(target, "file:", 5) != 0)
		return -EINVAL;
	*ret_path = strdup(target + 5);
	if (!*ret_path)
		return -ENOMEM;
	r = open_file(*ret_path, ret_fd);
	if (r < 0) {
		free(TAKE_PTR(*ret_path));
		return r;
	}
	*ret = TO_FILE;
	return 0;
}

int log_open(const char *target, const char *process, const char *node, enum log_level level)
{
	enum target to;
	char *path = NULL;
	int fd = -1, r;

	r = open_target(target, &to, &path, &fd);
	if (r < 0)
		return r;
	log_set_level(level);
	pthread_rwlock_wrlock(&log_state.lock);
	if (log_state.fd >= 0)
		close(log_state.fd);
	free(log_state.path);
	log_state.target = to;
	log_state.fd = fd;
	log_state.path = path;
	snprintf(log_state.process, sizeof(log_state.process), "%s", process ?: "");
	snprintf(log_state.node, sizeof(log_state.node), "%s", node ?: "");
	pthread_rwlock_unlock(&log_state.lock);
	return 0;
}

int log_reopen(void)
{
	int fd = -1, r = 0;

	pthread_rwlock_wrlock(&log_state.lock);
	if (log_state.target == TO_FILE)
		r = open_file(log_state.path, &fd);
	if (fd >= 0) {
		close(log_state.fd);
		log_state.fd = fd;
	}
	pthread_rwlock_unlock(&log_state.lock);
	return r;
}

void log_close(void)
{
	pthread_rwlock_wrlock(&log_state.lock);
	if (log_state.fd >= 0)
		close(TAKE_FD(log_state.fd));
	free(TAKE_PTR(log_state.path));
	log_state.target = TO_STDERR;
	pthread_rwlock_unlock(&log_state.lock);
}

/* "2025-01-31T12:00:00.123Z info holdfast-smbd[77] node1: " */
static int format_head(char *buf, size_t size, enum log_level level)
{
	const char *process =
		log_state.process[0] ? log_state.process : program_invocation_short_name;
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	return snprintf(buf, size,
			"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s %s[%d]%s%s: ", tm.tm_year + 1900,
			tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
			ts.tv_nsec / 1000000, log_level_name(level), process, (int)getpid(),
			log_state.node[0] ? " " : "", log_state.node);
}

static void send_journal(enum log_level level, const char *text)
{
	sd_journal_send("MESSAGE=%s", text, "PRIORITY=%d", levels[level].priority,
			"SYSLOG_IDENTIFIER=%s",
			log_state.process[0] ? log_state.process : program_invocation_short_name,
			"HOLDFAST_NODE=%s", log_state.node, "TID=%ld", syscall(SYS_gettid), NULL);
}

static void write_line(int fd, enum log_level level, char *text, size_t n)
{
	char head[192];
	int head_len = format_head(head, sizeof(head), level);
	struct iovec iov[2] = {
		{ .iov_base = head, .iov_len = MIN((size_t)MAX(head_len, 0), sizeof(head) - 1) },
		{ .iov_base = text, .iov_len = n },
	};

	/* A log that cannot be written must not stop the service. */
	if (writev(fd, iov, 2) < 0)
		return;
}

void log_vwrite(enum log_level level, const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES];
	int saved = errno, len;
	size_t n;

	if ((size_t)level >= ARRAY_SIZE(levels) || !log_enabled(level))
		return;
	len = vsnprintf(text, sizeof(text) - 1, fmt, ap);
	n = MIN((size_t)MAX(len, 0), sizeof(text) - 2);
	if (len >= (int)sizeof(text) - 1)
		memcpy(text + n - 3, "...", 3);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	text[n] = '\0';
	pthread_rwlock_rdlock(&log_state.lock);
	if (log_state.target == TO_JOURNAL) {
		send_journal(level, text);
	} else {
		text[n] = '\n';
		write_line(log_state.target == TO_FILE ? log_state.fd : STDERR_FILENO, level, text,
			   n + 1);
	}
	pthread_rwlock_unlock(&log_state.lock);
	errno = saved;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vwrite(level, fmt, ap);
	va_end(ap);
}
