/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * main() of a fuzz target without libFuzzer, for `make check`: feeds the target every seed of its
 * corpus, every prefix of it, and mutations of it that are the same in every run. Speaks TAP: one
 * line for the whole corpus; a crash or a sanitizer's report is what fails it. With arguments it
 * feeds only those files, as they are.
 */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "node/base/util.h"

#define MAX_SEED (1u << 20)
#define MAX_CASES 3000 /* per seed and kind: longer seeds are visited in steps */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long runs;

/* Feeds a copy of exactly its size, so that AddressSanitizer sees the first byte too many. */
static void feed(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	memcpy(copy, p, n);
	LLVMFuzzerTestOneInput(n ? copy : copy + 1, n);
	free(copy);
	runs++;
}

static void mutate(uint8_t *p, size_t n, size_t at)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	uint8_t keep = p[at];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		p[at] = values[i];
		feed(p, n);
	}
	p[at] = keep + 1;
	feed(p, n);
	p[at] = keep - 1;
	feed(p, n);
	p[at] = keep;
}

/* Sets the two and the four bytes at `at` to values that lengths and offsets are wrong with. */
static void mutate_word(uint8_t *p, size_t n, size_t at)
{
	static const uint8_t values[][4] = {
		{ 0xff, 0xff, 0xff, 0xff }, { 0xf8, 0xff, 0xff, 0xff }, { 0xff, 0xff, 0xff, 0x7f },
		{ 0x00, 0x00, 0x00, 0x80 }, { 0x00, 0x00, 0x00, 0x00 }, { 0x08, 0x00, 0x00, 0x00 },
	};

	for (size_t len = 2; len <= 4; len += 2) {
		uint8_t keep[4];

		if (len > n - at)
			return;
		memcpy(keep, p + at, len);
		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			memcpy(p + at, values[i], len);
			feed(p, n);
		}
		memcpy(p + at, keep, len);
	}
}

static void explore(uint8_t *p, size_t n)
{
	size_t step = n / MAX_CASES + 1;

	for (size_t i = 0; i < n; i += step)
		feed(p, i);
	for (size_t i = 0; i < n; i += step) {
		mutate(p, n, i);
		mutate_word(p, n, i);
	}
}

static int replay(const char *path, bool deep)
{
	_cleanup_free_ uint8_t *p = malloc(MAX_SEED);
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f || !p) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		if (f)
			fclose(f);
		return -1;
	}
	n = fread(p, 1, MAX_SEED, f);
	fclose(f);
	feed(p, n);
	if (deep)
		explore(p, n);
	return 0;
}

static int replay_dir(const char *dir, unsigned *ret_seeds)
{
	unsigned seeds = 0;
	struct dirent *de;
	DIR *d = opendir(dir);

	if (!d) {
		fprintf(stderr, "%s: %s\n", dir, strerror(errno));
		return -1;
	}
	while ((de = readdir(d))) {
		char path[4096 + 256 + 2];

		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		if (replay(path, true) < 0) {
			closedir(d);
			return -1;
		}
		seeds++;
	}
	closedir(d);
	*ret_seeds = seeds;
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	const char *top = getenv("top_srcdir");
	unsigned seeds = 0;
	char dir[4096];
	int r;

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			if (replay(argv[i], false) < 0)
				return 1;
		return 0;
	}
	name = name ? name + 1 : argv[0];
	if (strncmp(name, "lt-", 3) == 0)
		name += 3;
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", top ? top : ".", name);
	printf("1..1\n");
	feed((const uint8_t *)"", 0);
	r = replay_dir(dir, &seeds);
	printf("%s 1 - fuzz %s: %u seeds, %lu inputs\n", r == 0 && seeds ? "ok" : "not ok", name,
	       seeds, runs);
	return r == 0 && seeds ? 0 : 1;
}
