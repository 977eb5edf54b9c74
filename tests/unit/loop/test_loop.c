/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop: timers, mail between threads, operations and their cancellation, offload, embedding. */
#include "tests/unit/loop/loop_test.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/wait.h>

static unsigned int passed;
static int wait_result;

static void nothing(void *arg)
{
	passed++;
}

/* --- timers --- */

#define NTIMERS 2000
static struct timer timers[NTIMERS];
static uint64_t last_fired;
static unsigned int fired;

static void on_fire(struct timer *t)
{
	assert_false(timer_armed(t));
	assert_true(t->deadline >= last_fired);
	assert_true(loop_now(t->loop) >= t->deadline);
	last_fired = t->deadline;
	fired++;
}

static void body_timers(void)
{
	struct loop *l = loop_current();
	uint64_t base = in_ms(2);
	unsigned int armed = 0;
	uint32_t x = 1;

	fired = 0;
	last_fired = 0;
	for (size_t i = 0; i < NTIMERS; i++) {
		timer_init(&timers[i], l, on_fire);
		x = x * 1103515245 + 12345;
		timer_set(&timers[i], base + x % (20 * MS));
	}
	for (size_t i = 0; i < NTIMERS; i += 3)
		timer_cancel(&timers[i]);
	for (size_t i = 0; i < NTIMERS; i += 5) {
		x = x * 1103515245 + 12345;
		timer_set(&timers[i], base + x % (20 * MS));
	}
	for (size_t i = 0; i < NTIMERS; i++)
		armed += timer_armed(&timers[i]);
	task_sleep(50 * MS);
	assert_int_equal(fired, armed);
	timer_cancel(&timers[0]);
}

static void test_timers(void **state)
{
	run_on_loop(body_timers);
}

/* --- mail --- */

#define SENDERS 4
static unsigned int per_sender;

struct note {
	struct mail mail;
	unsigned int sender, n;
};

static struct loop *mail_loop;
static struct task *mail_task;
static unsigned int got[SENDERS];
static unsigned int got_all;

static void note_run(struct mail *m)
{
	struct note *n = container_of(m, struct note, mail);

	assert_int_equal(n->n, got[n->sender]);
	got[n->sender]++;
	got_all++;
	free(n);
	if (got_all == SENDERS * per_sender)
		task_wake(mail_task);
}

static void *mail_sender(void *arg)
{
	for (unsigned int i = 0; i < per_sender; i++) {
		struct note *n = malloc(sizeof(*n));

		n->mail.run = note_run;
		n->sender = (unsigned int)(uintptr_t)arg;
		n->n = i;
		loop_post(mail_loop, &n->mail);
		if (i % 1000 == 0)
			usleep(10);
	}
	return NULL;
}

static void body_mail(void)
{
	pthread_t th[SENDERS];

	mail_loop = loop_current();
	mail_task = task_current();
	per_sender = UNDER_TSAN || UNDER_ASAN ? 50000 : 250000;
	got_all = 0;
	memset(got, 0, sizeof(got));
	for (uintptr_t i = 0; i < SENDERS; i++)
		pthread_create(&th[i], NULL, mail_sender, (void *)i);
	assert_int_equal(task_park_until(in_ms(60000)), 0);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(th[i], NULL);
}

static void test_mail_threads(void **state)
{
	run_on_loop(body_mail);
}

/* Two loops pass one message to and fro. */
struct ball {
	struct mail mail;
	struct loop *a, *b;
	int left;
};

static void ball_run(struct mail *m)
{
	struct ball *ball = container_of(m, struct ball, mail);
	struct loop *here = loop_current();

	if (ball->left-- > 0) {
		loop_post(here == ball->a ? ball->b : ball->a, m);
		return;
	}
	loop_stop(ball->a);
	loop_stop(ball->b);
}

static void *loop_thread(void *arg)
{
	assert(loop_run(arg) == 0);
	return NULL;
}

static void test_mail_loops(void **state)
{
	const struct loop_config cfg = { .name = "ball" };
	struct ball ball = { .mail.run = ball_run, .left = 20000 };
	pthread_t th;

	assert_int_equal(loop_new(&cfg, &ball.a), 0);
	assert_int_equal(loop_new(&cfg, &ball.b), 0);
	loop_post(ball.a, &ball.mail);
	pthread_create(&th, NULL, loop_thread, ball.b);
	assert_int_equal(loop_run(ball.a), 0);
	pthread_join(th, NULL);
	assert_true(ball.left < 0);
	loop_free(ball.a);
	loop_free(ball.b);
}

/* Mail that nobody ran is run by loop_free(). */
static void test_mail_left(void **state)
{
	const struct loop_config cfg = { 0 };
	struct note *n = malloc(sizeof(*n));
	struct loop *l;

	assert_int_equal(loop_new(&cfg, &l), 0);
	n->mail.run = note_run;
	n->sender = 0;
	got[0] = n->n = 0;
	got_all = 0;
	loop_post(l, &n->mail);
	assert_int_equal(loop_defer(l, nothing, NULL), 0);
	passed = 0;
	loop_free(l);
	assert_int_equal(got_all, 1);
	assert_int_equal(passed, 1);
}

/* --- operations --- */

static int pair[2];

static void receiver(void *arg)
{
	char buf[16];

	wait_result = io_recv(pair[0], buf, sizeof(buf), 0, arg ? in_ms(5) : 0);
	memset(buf, 0, sizeof(buf)); /* nobody may write to it any more */
}

static void body_recv(void)
{
	struct iovec iov[3] = { { "ab", 2 }, { "", 0 }, { "cdef", 4 } };
	struct task *t;
	char buf[8];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	spawn(receiver, NULL, &t);
	task_sleep(2 * MS);
	task_cancel(t);
	task_sleep(2 * MS);
	assert_int_equal(wait_result, -ECANCELED);
	spawn(receiver, (void *)1, NULL);
	task_sleep(20 * MS);
	assert_int_equal(wait_result, -ETIME);
	spawn(receiver, NULL, NULL);
	task_sleep(2 * MS);
	assert_int_equal(io_send_full(pair[1], iov, 3, 0), 0);
	task_sleep(2 * MS);
	assert_int_equal(wait_result, 6);
	assert_int_equal(write(pair[1], "xyz", 3), 3);
	assert_int_equal(io_recv_full(pair[0], buf, 2, 0), 0);
	assert_int_equal(io_poll(pair[0], POLLIN, 0) & POLLIN, POLLIN);
	close(pair[1]);
	assert_int_equal(io_recv_full(pair[0], buf, 2, 0), -ECONNRESET);
	assert_int_equal(io_recv_full(pair[0], buf, 2, 0), -EPIPE);
	task_cancel(task_current());
	assert_int_equal(io_recv(pair[0], buf, 2, 0, 0), -ECANCELED);
	assert_int_equal(io_close(pair[0]), 0);
	assert_int_equal(io_close(pair[0]), -EBADF);
}

static void test_recv(void **state)
{
	run_on_loop(body_recv);
}

/* More operations than the queue has entries. */
static int many_pipe[2];

static void poller(void *arg)
{
	if (io_poll(many_pipe[0], POLLIN, 0) & POLLIN)
		passed++;
}

static void body_many_ops(void)
{
	unsigned int n = UNDER_TSAN ? 300 : 6000;

	passed = 0;
	assert_int_equal(pipe(many_pipe), 0);
	for (unsigned int i = 0; i < n; i++)
		spawn(poller, NULL, NULL);
	task_sleep(20 * MS);
	assert_int_equal(passed, 0);
	assert_int_equal(write(many_pipe[1], "x", 1), 1);
	for (int i = 0; i < 2000 && passed < n; i++)
		task_sleep(MS);
	assert_int_equal(passed, n);
	close(many_pipe[0]);
	close(many_pipe[1]);
}

static void test_many_ops(void **state)
{
	run_on_loop(body_many_ops);
}

static void body_files(void)
{
	char dir[] = "/tmp/hf-loop-XXXXXX", buf[16];
	struct open_how how = { .flags = O_RDWR | O_CREAT | O_CLOEXEC,
				.mode = 0600,
				.resolve = RESOLVE_BENEATH };
	struct iovec iov = { buf, sizeof(buf) };
	struct statx stx;
	int d, fd, r;

	assert_non_null(mkdtemp(dir));
	d = open(dir, O_DIRECTORY | O_CLOEXEC);
	fd = io_openat2(d, "f", &how, 0);
	assert_true(fd >= 0);
	assert_int_equal(io_openat2(d, "../f", &how, 0), -EXDEV);
	assert_int_equal(io_write(fd, "hello", 5, 3), 5);
	assert_int_equal(io_read(fd, buf, sizeof(buf), 0), 8);
	assert_memory_equal(buf, "\0\0\0hello", 8);
	assert_int_equal(io_readv(fd, &iov, 1, 4), 4);
	iov.iov_len = 2;
	assert_int_equal(io_writev(fd, &iov, 1, 100, 0), 2);
	assert_int_equal(io_fsync(fd, true), 0);
	assert_int_equal(io_fallocate(fd, 0, 0, 8192), 0);
	assert_int_equal(io_statx(d, "f", 0, STATX_SIZE, &stx, 0), 0);
	assert_int_equal(stx.stx_size, 8192);
	assert_int_equal(io_mkdirat(d, "sub", 0700, 0), 0);
	assert_int_equal(io_symlinkat("sub", d, "s", 0), 0);
	assert_int_equal(io_linkat(d, "f", d, "sub/g", 0, 0), 0);
	assert_int_equal(io_renameat2(d, "sub/g", d, "f", RENAME_NOREPLACE, 0), -EEXIST);
	assert_int_equal(io_renameat2(d, "sub/g", d, "h", 0, 0), 0);
	r = io_fsetxattr(fd, "user.x", "v", 1, 0, 0);
	if (r == 0) {
		assert_int_equal(io_fgetxattr(fd, "user.x", buf, sizeof(buf), 0), 1);
		assert_int_equal(buf[0], 'v');
	} else {
		assert_int_equal(r, -EOPNOTSUPP); /* tmpfs of older kernels */
	}
	assert_int_equal(io_unlinkat(d, "h", 0, 0), 0);
	assert_int_equal(io_unlinkat(d, "s", 0, 0), 0);
	assert_int_equal(io_unlinkat(d, "f", 0, 0), 0);
	assert_int_equal(io_unlinkat(d, "sub", AT_REMOVEDIR, 0), 0);
	assert_int_equal(io_close(fd), 0);
	close(d);
	assert_int_equal(rmdir(dir), 0);
}

static void test_files(void **state)
{
	run_on_loop(body_files);
}

static void body_personality(void)
{
	struct open_how how = { .flags = O_RDWR | O_CREAT | O_CLOEXEC,
				.mode = 0600,
				.resolve = RESOLVE_BENEATH };
	char dir[] = "/tmp/hf-pers-XXXXXX";
	struct statx stx;
	int d, fd, pers;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0777), 0);
	d = open(dir, O_DIRECTORY | O_CLOEXEC);
	setfsgid(1234);
	setfsuid(1234);
	pers = io_register_personality(loop_current());
	setfsuid(0);
	setfsgid(0);
	assert_true(pers > 0);
	fd = io_openat2(d, "root", &how, 0);
	assert_true(fd >= 0);
	close(fd);
	how.mode = how.flags = 0;
	assert_int_equal(io_openat2(d, "root", &how, pers), -EACCES);
	how.flags = O_RDWR | O_CREAT;
	how.mode = 0600;
	fd = io_openat2(d, "user", &how, pers);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(io_statx(d, "user", 0, STATX_UID | STATX_GID, &stx, 0), 0);
	assert_int_equal(stx.stx_uid, 1234);
	assert_int_equal(stx.stx_gid, 1234);
	io_unregister_personality(loop_current(), pers);
	assert_int_equal(io_openat2(d, "user", &how, pers), -EINVAL);
	assert_int_equal(io_unlinkat(d, "user", 0, 0), 0);
	assert_int_equal(io_unlinkat(d, "root", 0, 0), 0);
	close(d);
	rmdir(dir);
}

static void test_personality(void **state)
{
	if (geteuid() != 0)
		skip();
	run_on_loop(body_personality);
}

/* --- offload --- */

struct square {
	int in, out;
	pthread_t on;
};

static void square(void *arg)
{
	struct square *s = arg;

	usleep(1000);
	s->out = s->in * s->in;
	s->on = pthread_self();
}

static void offload_main(void *arg)
{
	struct square s = { .in = (int)(uintptr_t)arg };

	offload_run(square, &s);
	assert_int_equal(s.out, s.in * s.in);
	assert_false(pthread_equal(s.on, pthread_self()));
	passed++;
}

static void body_offload(void)
{
	struct square s = { .in = 7 };

	offload_run(square, &s);
	assert_true(pthread_equal(s.on, pthread_self())); /* no pool */
	assert_int_equal(s.out, 49);
	assert_int_equal(offload_start(3), 0);
	passed = 0;
	for (uintptr_t i = 0; i < 50; i++)
		spawn(offload_main, (void *)i, NULL);
	while (loop_tasks(loop_current()) > 1)
		task_sleep(MS);
	assert_int_equal(passed, 50);
	offload_stop();
}

static void test_offload(void **state)
{
	run_on_loop(body_offload);
}

/* --- in a foreign event loop --- */

static void embedded_main(void *arg)
{
	char c;

	assert_int_equal(task_sleep(3 * MS), 0);
	assert_int_equal(io_recv(pair[0], &c, 1, 0, 0), 1);
	assert_int_equal(c, 'x');
	passed++;
}

static void poll_until(struct loop *l, unsigned int want)
{
	struct pollfd p = { .fd = loop_fd(l), .events = POLLIN };

	while (passed < want) {
		assert_int_equal(poll(&p, 1, 5000), 1);
		assert_int_equal(loop_run_once(l), 0);
	}
}

static void *late_poster(void *arg)
{
	struct ball *b = arg;

	usleep(5000);
	loop_post(b->a, &b->mail);
	return NULL;
}

static void late_run(struct mail *m)
{
	passed++;
}

static void test_embedded(void **state)
{
	const struct loop_config cfg = { 0 };
	struct ball b = { .mail.run = late_run };
	struct pollfd p;
	struct loop *l;
	pthread_t th;

	passed = 0;
	assert_int_equal(loop_new(&cfg, &l), 0);
	b.a = l;
	p = (struct pollfd){ .fd = loop_fd(l), .events = POLLIN };
	assert_true(p.fd >= 0);
	assert_ptr_equal(loop_current(), l);
	assert_int_equal(loop_run_once(l), 0);
	assert_int_equal(poll(&p, 1, 0), 0); /* idle: not readable */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(task_spawn(l, embedded_main, NULL, NULL), 0);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(loop_run_once(l), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	poll_until(l, 1);
	pthread_create(&th, NULL, late_poster, &b);
	poll_until(l, 2);
	pthread_join(th, NULL);
	/* A signal may come late (the kernel puts one that is caused by another off by an RCU grace period, tens of
	 * milliseconds) and once too often, but not for ever. */
	for (int i = 0; i < 3 && poll(&p, 1, 500) == 1; i++)
		assert_int_equal(loop_run_once(l), 0);
	assert_int_equal(poll(&p, 1, 20), 0);
	assert_int_equal(loop_tasks(l), 0);
	loop_free(l);
	assert_null(loop_current());
	close(pair[0]);
	close(pair[1]);
}

/* --- the guard page --- */

static int dig(int depth)
{
	volatile char pad[4096];

	memset((char *)pad, depth, sizeof(pad));
	if (depth > 100000)
		return pad[0];
	return dig(depth + 1) + pad[100];
}

static void digger(void *arg)
{
	_exit(dig(1) == 12345 ? 1 : 0);
}

static void test_guard_page(void **state)
{
	const struct loop_config cfg = { 0 };
	struct loop *l;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		close(STDERR_FILENO);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		if (loop_new(&cfg, &l) < 0 || task_spawn(l, digger, NULL, NULL) < 0)
			_exit(0);
		loop_run(l);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (UNDER_ASAN || UNDER_TSAN) /* they turn the signal into a report */
		assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
	else
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers),	   cmocka_unit_test(test_mail_threads),
		cmocka_unit_test(test_mail_loops), cmocka_unit_test(test_mail_left),
		cmocka_unit_test(test_recv),	   cmocka_unit_test(test_many_ops),
		cmocka_unit_test(test_files),	   cmocka_unit_test(test_personality),
		cmocka_unit_test(test_offload),	   cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_guard_page),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
