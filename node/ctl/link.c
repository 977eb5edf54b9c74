/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operator's socket, this end: frames of a 32-bit little-endian length and JSON. One thread; it waits. */
#include <sys/socket.h>
#include <sys/un.h>

#include "node/ctl/ctl.h"

#define FRAME_MAX (64u << 20)

static int send_all(int fd, const void *p, size_t n)
{
	ssize_t k;

	while (n) {
		k = send(fd, p, n, MSG_NOSIGNAL);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		p = (const char *)p + k;
		n -= (size_t)k;
	}
	return 0;
}

static int receive_all(int fd, void *p, size_t n)
{
	ssize_t k;

	while (n) {
		k = recv(fd, p, n, 0);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? -errno : -ECONNRESET;
		p = (char *)p + k;
		n -= (size_t)k;
	}
	return 0;
}

static int connect_to(const char *run_dir)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, r;

	r = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/clusterd.sock", run_dir);
	if (r < 0 || (size_t)r >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int send_request(int fd, const json_t *request)
{
	_cleanup_free_ char *text = json_dumps(request, JSON_COMPACT);
	size_t n = text ? strlen(text) : 0, i;
	uint8_t head[4];
	int r;

	if (!text)
		return -ENOMEM;
	for (i = 0; i < 4; i++)
		head[i] = (uint8_t)(n >> (8 * i));
	r = send_all(fd, head, sizeof(head));
	return r < 0 ? r : send_all(fd, text, n);
}

static int receive_part(int fd, json_t **ret)
{
	_cleanup_free_ char *text = NULL;
	uint8_t head[4];
	size_t n;
	int r = receive_all(fd, head, sizeof(head));

	if (r < 0)
		return r;
	n = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
	if (n > FRAME_MAX)
		return -EBADMSG;
	text = malloc(n ?: 1);
	if (!text)
		return -ENOMEM;
	r = receive_all(fd, text, n);
	if (r < 0)
		return r;
	*ret = json_loadb(text, n, 0, NULL);
	return *ret ? 0 : -EBADMSG;
}

int ctl_ask(const char *run_dir, const json_t *request, void (*part)(void *arg, json_t *part), void *arg)
{
	_cleanup_close_ int fd = connect_to(run_dir);
	bool last = false;
	json_t *j;
	int r;

	if (fd < 0)
		return fd;
	r = send_request(fd, request);
	while (r == 0 && !last) {
		r = receive_part(fd, &j);
		if (r < 0)
			break;
		last = json_object_get(j, "status") != NULL;
		part(arg, j);
		json_decref(j);
	}
	return r;
}
