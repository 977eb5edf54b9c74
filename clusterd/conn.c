/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Framed messages over unix sockets. On clusterd's loop. */
#include "clusterd/conn.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "node/log/log.h"

struct conn_server {
	struct conn_config cfg;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;
	struct list conns;
	unsigned int n;
};

struct conn {
	struct list link;
	struct conn_server *server;
	int fd;
	struct ucred cred;
	void *data;
	bool closing;
	uint8_t *in;
	size_t in_len, in_cap;
	uint8_t *out;
	size_t out_pos, out_len, out_cap;
	qb_loop_timer_handle close_timer;
};

static int32_t on_ready(int32_t fd, int32_t revents, void *arg);

static void watch(struct conn *c)
{
	int events = POLLIN | (c->out_len > c->out_pos ? POLLOUT : 0);

	qb_loop_poll_mod(c->server->cfg.loop, QB_LOOP_MED, c->fd, events, c, on_ready);
}

static void end(struct conn *c)
{
	struct conn_server *s = c->server;

	qb_loop_poll_del(s->cfg.loop, c->fd);
	if (c->close_timer)
		qb_loop_timer_del(s->cfg.loop, c->close_timer);
	s->cfg.ops->closed(s->cfg.arg, c);
	list_remove(&c->link);
	s->n--;
	close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

static void on_close_timer(void *arg)
{
	struct conn *c = arg;

	c->close_timer = 0;
	end(c);
}

void conn_close(struct conn *c)
{
	if (c->closing)
		return;
	c->closing = true;
	qb_loop_timer_add(c->server->cfg.loop, QB_LOOP_MED, 0, c, on_close_timer, &c->close_timer);
}

static void flush(struct conn *c)
{
	ssize_t n;

	while (c->out_pos < c->out_len) {
		n = send(c->fd, c->out + c->out_pos, c->out_len - c->out_pos, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0) {
			conn_close(c);
			return;
		}
		c->out_pos += (size_t)n;
	}
	if (c->out_pos == c->out_len)
		c->out_pos = c->out_len = 0;
}

static bool reserve(uint8_t **buf, size_t *cap, size_t need)
{
	size_t n = MAX(*cap, (size_t)4096);
	uint8_t *p;

	while (n < need)
		n *= 2;
	if (n == *cap)
		return true;
	p = realloc(*buf, n);
	if (!p)
		return false;
	*buf = p;
	*cap = n;
	return true;
}

void conn_send(struct conn *c, struct blob b)
{
	bool idle = c->out_len == c->out_pos;
	uint8_t *p;
	int i;

	if (c->closing)
		return;
	if (c->out_pos) {
		memmove(c->out, c->out + c->out_pos, c->out_len - c->out_pos);
		c->out_len -= c->out_pos;
		c->out_pos = 0;
	}
	if (c->out_len + b.len > c->server->cfg.out_max || !reserve(&c->out, &c->out_cap, c->out_len + 4 + b.len)) {
		log_warn("a local connection is closed, its peer does not read: pid=%d", (int)c->cred.pid);
		conn_close(c);
		return;
	}
	p = c->out + c->out_len;
	for (i = 0; i < 4; i++)
		p[i] = (uint8_t)(b.len >> (8 * i));
	memcpy(p + 4, b.data, b.len);
	c->out_len += 4 + b.len;
	if (idle)
		flush(c);
	if (!c->closing && c->out_len > c->out_pos)
		watch(c);
}

/* Hands on whole frames. 0 or why to close. */
static int frames(struct conn *c)
{
	size_t pos = 0, n;
	int r = 0;

	while (r >= 0 && !c->closing && c->in_len - pos >= 4) {
		const uint8_t *p = c->in + pos;

		n = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
		if (n > c->server->cfg.frame_max)
			return -EMSGSIZE;
		if (c->in_len - pos - 4 < n)
			break;
		r = c->server->cfg.ops->frame(c->server->cfg.arg, c, BLOB(p + 4, n));
		pos += 4 + n;
	}
	memmove(c->in, c->in + pos, c->in_len - pos);
	c->in_len -= pos;
	return r;
}

static int receive(struct conn *c)
{
	ssize_t n;

	if (!reserve(&c->in, &c->in_cap, c->in_len + 4096))
		return -ENOMEM;
	n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len, MSG_DONTWAIT);
	if (n == 0)
		return -EPIPE;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	c->in_len += (size_t)n;
	return frames(c);
}

static int32_t on_ready(int32_t fd, int32_t revents, void *arg)
{
	struct conn *c = arg;

	if (c->closing)
		return 0;
	if (revents & POLLOUT) {
		flush(c);
		if (!c->closing)
			watch(c);
	}
	if (revents & (POLLIN | POLLHUP | POLLERR) && receive(c) < 0)
		conn_close(c);
	return 0;
}

static int32_t on_accept(int32_t lfd, int32_t revents, void *arg)
{
	struct conn_server *s = arg;
	socklen_t len = sizeof(struct ucred);
	struct conn *c;
	int fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return 0;
	c = s->n < s->cfg.conns_max ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return 0;
	}
	c->server = s;
	c->fd = fd;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c->cred, &len) < 0 ||
	    (c->cred.uid != 0 && c->cred.uid != geteuid()) || s->cfg.ops->open(s->cfg.arg, c) < 0 ||
	    qb_loop_poll_add(s->cfg.loop, QB_LOOP_MED, fd, POLLIN, c, on_ready) < 0) {
		close(fd);
		free(c);
		return 0;
	}
	list_append(&s->conns, &c->link);
	s->n++;
	return 0;
}

int conn_listen(const struct conn_config *cfg, struct conn_server **ret)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct conn_server *s;
	int r;

	if (strlen(cfg->path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	list_init(&s->conns);
	strcpy(s->path, cfg->path);
	strcpy(sun.sun_path, cfg->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The lock file of the daemon says that nobody listens on an old socket. */
	unlink(s->path);
	if (s->fd < 0 || fchmod(s->fd, cfg->mode) < 0 || bind(s->fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    chmod(s->path, cfg->mode) < 0 || listen(s->fd, 64) < 0 ||
	    qb_loop_poll_add(cfg->loop, QB_LOOP_MED, s->fd, POLLIN, s, on_accept) < 0) {
		r = -errno;
		if (s->fd >= 0)
			close(s->fd);
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void conn_server_free(struct conn_server *s)
{
	struct conn *c, *tmp;

	if (!s)
		return;
	list_foreach_safe(c, tmp, &s->conns, link) {
		flush(c);
		end(c);
	}
	qb_loop_poll_del(s->cfg.loop, s->fd);
	close(s->fd);
	unlink(s->path);
	free(s);
}

pid_t conn_pid(const struct conn *c) { return c->cred.pid; }
uid_t conn_uid(const struct conn *c) { return c->cred.uid; }
void conn_set_data(struct conn *c, void *data) { c->data = data; }
void *conn_data(const struct conn *c) { return c->data; }
