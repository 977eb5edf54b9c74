/* SPDX-License-Identifier: GPL-3.0-or-later */
/* holdfast-noded with shell scripts for daemons: restart, hang, order of stopping, what it tells
 * systemd. */
#include "tests/unit/loop/loop_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "node/loop/heartbeat.h"
#include "node/noded/noded.h"
#include "node/noded/noded_priv.h"
#include "node/rpc/rpc.h"

static char dir[32] = "/tmp/hf-noded-XXXXXX";
static int notify_fd;
static char notified[65536];

static void test_backoff(void **state)
{
	struct backoff b = { 0 };

	assert_int_equal(backoff_next(&b, 100), 0);
	assert_int_equal(backoff_next(&b, 100), 50);
	assert_int_equal(backoff_next(&b, 100), 100);
	assert_int_equal(backoff_next(&b, 6000), 0);
	assert_int_equal(backoff_next(&b, 100), 50);
	for (int i = 0; i < 30; i++)
		backoff_next(&b, 1);
	assert_int_equal(backoff_next(&b, 1), 5000);
}

static const char *in_dir(const char *name)
{
	static char buf[4][128];
	static unsigned int i;
	char *p = buf[i++ % 4];

	snprintf(p, sizeof(buf[0]), "%s/%s", dir, name);
	return p;
}

static void put(const char *name, mode_t mode, const char *text)
{
	FILE *f = fopen(in_dir(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(in_dir(name), mode), 0);
}

/* Beats every 0.1 s; ends on SIGTERM; notes its end. */
static void put_daemon(const char *name)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "#!/bin/sh\n"
		 "trap 'echo %s >>%s/ended; exit 0' TERM\n"
		 "while :; do\n"
		 "	printf b >/proc/self/fd/$HOLDFAST_HEARTBEAT_FD\n"
		 "	sleep 0.1\n"
		 "done\n",
		 name, dir);
	put(name, 0755, text);
}

static pid_t read_pid(const char *name)
{
	FILE *f = fopen(in_dir(name), "r");
	int pid = 0;

	if (f) {
		if (fscanf(f, "%d\n", &pid) != 1)
			pid = 0;
		fclose(f);
	}
	return pid;
}

/* Takes what noded told systemd: it would wait if nobody did. */
static void drain(void)
{
	size_t n = strlen(notified);
	ssize_t r;

	while (n < sizeof(notified) - 2 &&
	       (r = recv(notify_fd, notified + n, sizeof(notified) - n - 2, MSG_DONTWAIT)) > 0) {
		n += (size_t)r;
		notified[n++] = '\n';
		notified[n] = 0;
	}
}

/* Waits until the daemon has another pid than `old`. */
static pid_t wait_pid(const char *name, pid_t old, unsigned int ms)
{
	pid_t pid;

	for (unsigned int i = 0; i < ms; i++) {
		drain();
		pid = read_pid(name);
		if (pid && pid != old)
			return pid;
		usleep(1000);
	}
	return 0;
}

static bool wait_notify(const char *what, int ms)
{
	for (; ms > 0; ms--) {
		drain();
		if (strstr(notified, what))
			return true;
		usleep(1000);
	}
	return false;
}

static bool log_has(const char *what)
{
	char line[1024];
	FILE *f = fopen(in_dir("log"), "r");
	bool found = false;

	while (f && fgets(line, sizeof(line), f))
		found = found || strstr(line, what);
	if (f)
		fclose(f);
	return found;
}

static pid_t start_noded(void)
{
	const char *top = getenv("top_builddir");
	char program[256], config[1024];
	pid_t pid;

	snprintf(program, sizeof(program), "%s/holdfast-noded", top ? top : ".");
	snprintf(config, sizeof(config),
		 "name: n1\nnode_id: 1\naddresses: [127.0.0.1]\nrpc_address: 127.0.0.1:4379\n"
		 "run_dir: %s/run\nstate_dir: %s/state\nlog: file:%s/log\n",
		 dir, dir, dir);
	put("node.yaml", 0644, config);
	drain();
	notified[0] = 0;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv("NOTIFY_SOCKET", in_dir("notify"), 1);
		setenv("WATCHDOG_USEC", "200000", 1);
		execl(program, program, "--config", in_dir("node.yaml"), "--libexec", dir,
		      "--silent-ms", "1000", NULL);
		_exit(99);
	}
	return pid;
}

static void stop_noded(pid_t pid, int want)
{
	int status;

	kill(pid, SIGTERM);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		drain();
		usleep(1000);
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), want);
}

static void test_restart(void **state)
{
	pid_t noded = start_noded(), smbd, clusterd, again;
	uint64_t t0, ms;
	char ended[64] = "";
	FILE *f;

	smbd = wait_pid("run/smbd.pid", 0, 5000);
	clusterd = wait_pid("run/clusterd.pid", 0, 5000);
	assert_true(smbd > 0 && clusterd > 0);
	assert_true(wait_notify("READY=1", 5000));
	assert_true(wait_notify("WATCHDOG=1", 1000));
	/* Killed: back at once. */
	t0 = clock_mono_ns();
	kill(smbd, SIGKILL);
	again = wait_pid("run/smbd.pid", smbd, 5000);
	ms = (clock_mono_ns() - t0) / MS;
	assert_true(again > 0);
	print_message("# smbd restarted after %u ms\n", (unsigned int)ms);
	assert_true(ms < (UNDER_ASAN || UNDER_TSAN ? 1000 : 200));
	assert_int_equal(read_pid("run/clusterd.pid"), clusterd);
	assert_true(log_has("daemon=smbd pid=") && log_has("signal=KILL"));
	assert_true(wait_notify("1 restarts", 1000));
	/* Stopped in order. */
	usleep(300000);
	stop_noded(noded, 0);
	assert_int_equal(kill(again, 0), -1);
	assert_int_equal(kill(clusterd, 0), -1);
	f = fopen(in_dir("ended"), "r");
	assert_non_null(f);
	assert_int_equal(fread(ended, 1, sizeof(ended) - 1, f),
			 strlen("holdfast-smbd\nholdfast-clusterd\n"));
	fclose(f);
	assert_string_equal(ended, "holdfast-smbd\nholdfast-clusterd\n");
	unlink(in_dir("ended"));
}

static void test_hang(void **state)
{
	pid_t noded = start_noded(), smbd;

	smbd = wait_pid("run/smbd.pid", 0, 5000);
	assert_true(smbd > 0);
	assert_true(wait_notify("READY=1", 5000));
	kill(smbd, SIGSTOP); /* the shell cannot beat, and SIGABRT ends it once continued */
	assert_true(wait_pid("run/smbd.pid", smbd, 6000) > 0);
	assert_true(log_has("no sign of life for 1000 ms"));
	usleep(300000);
	stop_noded(noded, 0);
	unlink(in_dir("ended"));
}

/* noded dies: its daemons do not stay behind. */
static void test_orphans(void **state)
{
	pid_t noded = start_noded(), smbd;
	int status;

	smbd = wait_pid("run/smbd.pid", 0, 5000);
	assert_true(smbd > 0);
	assert_true(wait_notify("READY=1", 5000));
	kill(noded, SIGKILL);
	assert_int_equal(waitpid(noded, &status, 0), noded);
	for (int i = 0; i < 2000 && kill(smbd, 0) == 0; i++)
		usleep(1000);
	assert_int_equal(kill(smbd, 0), -1);
	unlink(in_dir("run/smbd.pid"));
	unlink(in_dir("run/clusterd.pid"));
}

static struct rpc_client *client;

static int call(uint32_t method, const char *text)
{
	return rpc_call(client, method, BLOB(text, strlen(text)), in_ms(5000), NULL, NULL);
}

static void body_addresses(void)
{
	struct rpc_client_config cfg = { .loop = loop_current(),
					 .self.name = "test",
					 .peer_name = "noded" };

	assert_int_equal(rpc_client_unix(&cfg, in_dir("run/" NODED_SOCKET), &client), 0);
	assert_int_equal(rpc_client_wait(client, in_ms(5000)), 0);
	assert_int_equal(call(NODED_ADDR_ADD, "nonsense"), EINVAL);
	assert_int_equal(call(NODED_ADDR_ADD, "lo 192.0.2.300/24"), EINVAL);
	assert_int_equal(call(NODED_ADDR_ADD, "nosuchif 192.0.2.3/24"), ENODEV);
	assert_int_equal(call(NODED_ADDR_DEL, "nosuchif 192.0.2.3/24"), ENODEV);
	rpc_client_free(client);
}

static void test_addresses(void **state)
{
	pid_t noded = start_noded();

	assert_true(wait_notify("READY=1", 5000));
	run_on_loop(body_addresses);
	stop_noded(noded, 0);
	unlink(in_dir("ended"));
}

static void test_missing_daemon(void **state)
{
	pid_t noded;
	int status;

	assert_int_equal(rename(in_dir("holdfast-smbd"), in_dir("x")), 0);
	noded = start_noded();
	assert_int_equal(waitpid(noded, &status, 0), noded);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_true(log_has("cannot run the daemon"));
	assert_int_equal(rename(in_dir("x"), in_dir("holdfast-smbd")), 0);
}

/* A daemon that cannot work with its configuration ends the node, with few words. */
static void test_bad_configuration(void **state)
{
	pid_t noded;
	int status;

	unlink(in_dir("log"));
	put("holdfast-smbd", 0755, "#!/bin/sh\nexit 78\n");
	noded = start_noded();
	assert_int_equal(waitpid(noded, &status, 0), noded);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_true(log_has("a daemon cannot work with this configuration"));
	assert_false(log_has("started"));
	assert_false(log_has("ended"));
	assert_int_equal(read_pid("run/clusterd.pid"), 0);
	put_daemon("holdfast-smbd");
}

static int setup(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (!mkdtemp(dir))
		return -1;
	alarm(120); /* rather dead than waiting for ever */
	strcpy(un.sun_path, in_dir("notify"));
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(notify_fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		return -1;
	put_daemon("holdfast-clusterd");
	put_daemon("holdfast-smbd");
	return 0;
}

static int teardown(void **state)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_missing_daemon),
		cmocka_unit_test(test_bad_configuration),
	};

	return cmocka_run_group_tests_name("noded", tests, setup, teardown);
}
