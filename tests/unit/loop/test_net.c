/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses, sockets and interfaces. */
#include "tests/unit/test.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "node/net/iface.h"
#include "node/net/sock.h"

static void check(const char *text, const char *want)
{
	struct net_addr a;
	char buf[NET_ADDR_STR];

	if (!want) {
		assert_int_equal(net_addr_parse(text, 445, &a), -EINVAL);
		return;
	}
	assert_int_equal(net_addr_parse(text, 445, &a), 0);
	assert_string_equal(net_addr_format(&a, buf), want);
}

static void test_parse(void **state)
{
	check("10.0.0.1", "10.0.0.1:445");
	check("10.0.0.1:5000", "10.0.0.1:5000");
	check("::1", "[::1]:445");
	check("[::1]", "[::1]:445");
	check("[::1]:5000", "[::1]:5000");
	check("[fe80::1%lo]:1", "[fe80::1%lo]:1");
	check("fe80::1%1", "[fe80::1%lo]:445");
	check("*", "[::]:445");
	check("*:99", "[::]:99");
	check("0.0.0.0:0", "0.0.0.0:0");
	check("::ffff:10.0.0.1", "[::ffff:10.0.0.1]:445");
	check("", NULL);
	check(":445", NULL);
	check("10.0.0.1:", NULL);
	check("10.0.0.1:65536", NULL);
	check("10.0.0.1:-1", NULL);
	check("10.0.0", NULL);
	check("[::1", NULL);
	check("[::1]x", NULL);
	check("[]:1", NULL);
	check("host:1", NULL);
	check("fe80::1%nosuchif", NULL);
	check("1:2:3", NULL);
}

static void test_equal(void **state)
{
	struct net_addr a, b;

	assert_int_equal(net_addr_parse("10.0.0.1:1", 0, &a), 0);
	assert_int_equal(net_addr_parse("[::ffff:10.0.0.1]:1", 0, &b), 0);
	assert_true(net_addr_equal(&a, &b));
	net_addr_set_port(&b, 2);
	assert_false(net_addr_equal(&a, &b));
	assert_true(net_addr_equal_ip(&a, &b));
	net_addr_unmap(&b);
	assert_int_equal(b.sa.sa_family, AF_INET);
	assert_int_equal(net_addr_port(&b), 2);
	assert_int_equal(net_addr_parse("::1", 2, &a), 0);
	assert_false(net_addr_equal_ip(&a, &b));
}

static void test_prefix(void **state)
{
	struct net_addr a;
	unsigned int n;

	assert_int_equal(net_addr_parse_prefix("10.0.0.1/24", &a, &n), 0);
	assert_int_equal(n, 24);
	assert_int_equal(net_addr_parse_prefix("fd00::1", &a, &n), 0);
	assert_int_equal(n, 128);
	assert_int_equal(net_addr_parse_prefix("10.0.0.1/33", &a, &n), -EINVAL);
	assert_int_equal(net_addr_parse_prefix("10.0.0.1/", &a, &n), -EINVAL);
	assert_int_equal(net_addr_parse_prefix("*/3", &a, &n), -EINVAL);
}

static void test_resolve(void **state)
{
	struct net_addr a;

	assert_int_equal(net_addr_resolve("localhost:77", 1, &a), 0);
	assert_int_equal(net_addr_port(&a), 77);
	assert_int_equal(net_addr_resolve("a b:1", 1, &a) < 0, 1);
}

static void test_listen(void **state)
{
	struct net_addr a, b;
	int fd, c;

	assert_int_equal(net_addr_parse("127.0.0.1:0", 0, &a), 0);
	assert_int_equal(net_listen(&a, 0, &fd), 0);
	assert_int_equal(net_sock_local(fd, &b), 0);
	assert_true(net_addr_port(&b) != 0);
	assert_int_equal(net_listen(&b, 0, &c), -EADDRINUSE);
	assert_int_equal(net_stream_socket(&b, &c), 0);
	assert_int_equal(connect(c, &b.sa, b.len), 0);
	net_stream_options(c, 5);
	assert_int_equal(net_sock_peer(c, &a), 0);
	assert_true(net_addr_equal(&a, &b));
	close(c);
	close(fd);
	/* An address that this node does not have (TEST-NET-1). */
	assert_int_equal(net_addr_parse("192.0.2.1:0", 0, &a), 0);
	assert_int_equal(net_listen(&a, 0, &fd), -EADDRNOTAVAIL);
	assert_int_equal(net_listen(&a, NET_FREEBIND, &fd), 0);
	close(fd);
}

static void *close_soon(void *fd)
{
	usleep(30000);
	close((int)(intptr_t)fd);
	return NULL;
}

/* A process that was killed: who watches it may hear of it before its sockets are closed. */
static void test_listen_waits(void **state)
{
	struct net_addr a, b;
	pthread_t closer;
	int fd, c;

	assert_int_equal(net_addr_parse("127.0.0.1:0", 0, &a), 0);
	assert_int_equal(net_listen(&a, 0, &fd), 0);
	assert_int_equal(net_sock_local(fd, &b), 0);
	assert_int_equal(net_listen(&b, NET_WAIT, &c), -EADDRINUSE);
	assert_int_equal(pthread_create(&closer, NULL, close_soon, (void *)(intptr_t)fd), 0);
	assert_int_equal(net_listen(&b, NET_WAIT, &c), 0);
	pthread_join(closer, NULL);
	close(c);
}

static void test_listen_unix(void **state)
{
	char dir[] = "/tmp/hf-net-XXXXXX", path[64];
	struct stat st;
	int fd, fd2;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	assert_int_equal(net_listen_unix(path, 0600, &fd), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(net_listen_unix(path, 0600, &fd2), -EADDRINUSE);
	close(fd);
	assert_int_equal(net_listen_unix(path, 0600, &fd), 0); /* stale: replaced */
	close(fd);
	unlink(path);
	fclose(fopen(path, "w"));
	assert_int_equal(net_listen_unix(path, 0600, &fd), -EEXIST);
	unlink(path);
	rmdir(dir);
}

static bool have(const char *name, const struct net_addr *a, unsigned int prefixlen)
{
	struct net_iface *list;
	bool found = false;
	size_t n;

	assert_int_equal(net_ifaces(&list, &n), 0);
	for (size_t i = 0; i < n; i++) {
		assert_true(list[i].index > 0 && list[i].speed > 0 && list[i].rx_queues > 0);
		if (net_addr_equal_ip(&list[i].addr, a) && list[i].prefixlen == prefixlen &&
		    strcmp(list[i].name, name) == 0)
			found = true;
	}
	free(list);
	return found;
}

static void test_ifaces(void **state)
{
	struct net_addr a;

	assert_int_equal(net_addr_parse("127.0.0.1", 0, &a), 0);
	assert_true(have("lo", &a, 8));
}

/* In a network namespace of its own. */
static int in_namespace(void)
{
	const char *text[] = { "192.0.2.7/24", "2001:db8::7/64" };
	struct ifreq ifr = { .ifr_name = "lo" };
	struct net_addr a;
	unsigned int n;
	int s;

	if (unshare(CLONE_NEWNET) < 0)
		return 77;
	s = socket(AF_INET, SOCK_DGRAM, 0);
	ifr.ifr_flags = IFF_UP;
	if (ioctl(s, SIOCSIFFLAGS, &ifr) < 0)
		return 77;
	close(s);
	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		if (net_addr_parse_prefix(text[i], &a, &n) < 0)
			return 1;
		if (net_iface_add_addr("lo", &a, n) < 0 || net_iface_add_addr("lo", &a, n) < 0 ||
		    !have("lo", &a, n))
			return 2;
		if (net_iface_announce("lo", &a) != -EOPNOTSUPP)
			return 3;
		if (net_iface_del_addr("lo", &a, n) < 0 || net_iface_del_addr("lo", &a, n) < 0 ||
		    have("lo", &a, n))
			return 4;
	}
	if (net_iface_add_addr("nosuchif", &a, n) != -ENODEV)
		return 5;
	/* A pair of Ethernet ends, to announce on. */
	if (system("ip link add hft0 type veth peer name hft1 && ip link set hft0 up && ip link set hft1 up") !=
	    0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		if (net_addr_parse_prefix(text[i], &a, &n) < 0 ||
		    net_iface_add_addr("hft0", &a, n) < 0)
			return 6;
		if (net_iface_announce("hft0", &a) < 0)
			return 7;
	}
	return 0;
}

static void test_public_address(void **state)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(in_namespace());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),  cmocka_unit_test(test_equal),
		cmocka_unit_test(test_prefix), cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_listen), cmocka_unit_test(test_listen_waits),
		cmocka_unit_test(test_listen_unix),
		cmocka_unit_test(test_ifaces), cmocka_unit_test(test_public_address),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
