/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cluster key's file: its length and who may read it. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "node/rpc/rpc.h"

static void test_key_file(void **state)
{
	char dir[] = "/tmp/hf-key-XXXXXX";
	char path[64];
	struct rpc_key *k;
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/key", dir);
	assert_int_equal(rpc_key_load(path, &k), -ENOENT);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "0123456789abcdef", 16), 16);
	assert_int_equal(rpc_key_load(path, &k), -EINVAL);
	assert_int_equal(write(fd, "0123456789abcdef", 16), 16);
	assert_int_equal(rpc_key_load(path, &k), 0);
	rpc_key_free(k);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(rpc_key_load(path, &k), -EPERM);
	close(fd);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_file),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
