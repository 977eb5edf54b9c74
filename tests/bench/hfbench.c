/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hfbench: a load generator for any SMB2 or SMB3 server. The main thread. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "node/base/clock.h"
#include "tests/bench/bench.h"

static const char usage[] =
	"usage: hfbench --address ADDR --user NAME --password WORD --share NAME [OPTION]...\n"
	"  --port N           445\n"
	"  --domain NAME\n"
	"  --dialect D        2.0.2, 2.1, 3.0, 3.0.2 or 3.1.1; default: the highest that the server has\n"
	"  --sign, --seal     sign, encrypt everything\n"
	"  --mode MODE        open-close (default), persistent-open-close, read, write, mix (7 reads to 3 writes),\n"
	"                     echo, session (connection, negotiate, login)\n"
	"  --connections N    1; each has a thread\n"
	"  --depth N          1; requests on their way at once on each connection\n"
	"  --size BYTES       4096; of a read or write (suffixes k, m)\n"
	"  --file-size BYTES  of each connection's file (64m); reads and writes go to random places of it\n"
	"  --files N          1; files that each open-close slot goes through\n"
	"  --sequential       reads and writes go through the file in order\n"
	"  --one-block        reads and writes always meet the first block\n"
	"  --same-file        all connections use one file\n"
	"  --write-through    every write asks for it\n"
	"  --seconds S        5; what is measured, after --warmup S (0.5)\n"
	"  --no-verify        do not check signatures of answers\n"
	"  --keep             leave the files\n"
	"  --server-pid PID   measure the CPU time of this process and its children, too\n"
	"  --json             print one JSON object\n"
	"What is written is random data that repeats after 32 MiB.\n";

static const struct {
	const char *name;
	enum mode mode;
} modes[] = {
	{ "open-close", MODE_OPEN_CLOSE },
	{ "persistent-open-close", MODE_PERSISTENT },
	{ "read", MODE_READ },
	{ "write", MODE_WRITE },
	{ "mix", MODE_MIX },
	{ "echo", MODE_ECHO },
	{ "session", MODE_SESSION },
};

static const struct {
	const char *name;
	uint16_t dialect;
} dialects[] = {
	{ "2.0.2", SMB2_DIALECT_202 }, { "2.1", SMB2_DIALECT_210 },   { "3.0", SMB2_DIALECT_300 },
	{ "3.0.2", SMB2_DIALECT_302 }, { "3.1.1", SMB2_DIALECT_311 },
};

static void __attribute__((noreturn)) die(const char *what, const char *arg)
{
	fprintf(stderr, "hfbench: %s%s%s\n", what, arg ? " " : "", arg ? arg : "");
	exit(2);
}

static uint64_t number(const char *name, const char *text, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 0);
	if (*end == 'k' || *end == 'm' || *end == 'g')
		v <<= *end == 'k' ? 10 : *end == 'm' ? 20 : 30, end++;
	if (end == text || *end || errno || v < min || v > max)
		die("no value for this option:", name);
	return v;
}

enum {
	OPT_ADDRESS = 1,
	OPT_PORT,
	OPT_USER,
	OPT_PASSWORD,
	OPT_DOMAIN,
	OPT_SHARE,
	OPT_DIALECT,
	OPT_SIGN,
	OPT_SEAL,
	OPT_MODE,
	OPT_CONNECTIONS,
	OPT_DEPTH,
	OPT_SIZE,
	OPT_FILE_SIZE,
	OPT_FILES,
	OPT_SEQUENTIAL,
	OPT_ONE_BLOCK,
	OPT_SAME_FILE,
	OPT_WRITE_THROUGH,
	OPT_SECONDS,
	OPT_WARMUP,
	OPT_NO_VERIFY,
	OPT_KEEP,
	OPT_SERVER_PID,
	OPT_JSON,
	OPT_HELP,
};

static const struct option long_options[] = {
	{ "address", 1, NULL, OPT_ADDRESS },
	{ "port", 1, NULL, OPT_PORT },
	{ "user", 1, NULL, OPT_USER },
	{ "password", 1, NULL, OPT_PASSWORD },
	{ "domain", 1, NULL, OPT_DOMAIN },
	{ "share", 1, NULL, OPT_SHARE },
	{ "dialect", 1, NULL, OPT_DIALECT },
	{ "sign", 0, NULL, OPT_SIGN },
	{ "seal", 0, NULL, OPT_SEAL },
	{ "mode", 1, NULL, OPT_MODE },
	{ "connections", 1, NULL, OPT_CONNECTIONS },
	{ "depth", 1, NULL, OPT_DEPTH },
	{ "size", 1, NULL, OPT_SIZE },
	{ "file-size", 1, NULL, OPT_FILE_SIZE },
	{ "files", 1, NULL, OPT_FILES },
	{ "sequential", 0, NULL, OPT_SEQUENTIAL },
	{ "one-block", 0, NULL, OPT_ONE_BLOCK },
	{ "same-file", 0, NULL, OPT_SAME_FILE },
	{ "write-through", 0, NULL, OPT_WRITE_THROUGH },
	{ "seconds", 1, NULL, OPT_SECONDS },
	{ "warmup", 1, NULL, OPT_WARMUP },
	{ "no-verify", 0, NULL, OPT_NO_VERIFY },
	{ "keep", 0, NULL, OPT_KEEP },
	{ "server-pid", 1, NULL, OPT_SERVER_PID },
	{ "json", 0, NULL, OPT_JSON },
	{ "help", 0, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static void set_mode(struct options *o, const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(modes[i].name, text) == 0) {
			o->mode = modes[i].mode;
			o->mode_name = modes[i].name;
			return;
		}
	die("there is no mode", text);
}

static void set_dialect(struct options *o, const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(dialects); i++)
		if (strcmp(dialects[i].name, text) == 0) {
			o->dialect = dialects[i].dialect;
			return;
		}
	die("there is no dialect", text);
}

static bool set_text(struct options *o, int opt, const char *arg, const char **address,
		     uint16_t *port)
{
	switch (opt) {
	case OPT_ADDRESS:
		*address = arg;
		return true;
	case OPT_PORT:
		*port = (uint16_t)number("--port", arg, 1, 65535);
		return true;
	case OPT_USER:
		o->user = arg;
		return true;
	case OPT_PASSWORD:
		o->password = arg;
		return true;
	case OPT_DOMAIN:
		o->domain = arg;
		return true;
	case OPT_SHARE:
		o->share = arg;
		return true;
	case OPT_DIALECT:
		set_dialect(o, arg);
		return true;
	case OPT_MODE:
		set_mode(o, arg);
		return true;
	}
	return false;
}

static bool set_number(struct options *o, int opt, const char *arg)
{
	switch (opt) {
	case OPT_CONNECTIONS:
		o->connections = (unsigned int)number("--connections", arg, 1, 10000);
		return true;
	case OPT_DEPTH:
		o->depth = (unsigned int)number("--depth", arg, 1, 4096);
		return true;
	case OPT_SIZE:
		o->size = (uint32_t)number("--size", arg, 1, 8 << 20);
		return true;
	case OPT_FILE_SIZE:
		o->file_size = number("--file-size", arg, 1, UINT64_C(1) << 40);
		return true;
	case OPT_FILES:
		o->files = (unsigned int)number("--files", arg, 1, 1000000);
		return true;
	case OPT_SERVER_PID:
		o->server_pid = (pid_t)number("--server-pid", arg, 1, INT32_MAX);
		return true;
	case OPT_SECONDS:
		o->seconds = atof(arg);
		return true;
	case OPT_WARMUP:
		o->warmup = atof(arg);
		return true;
	}
	return false;
}

static bool set_flag(struct options *o, int opt)
{
	switch (opt) {
	case OPT_SIGN:
		o->sign = true;
		return true;
	case OPT_SEAL:
		o->seal = true;
		return true;
	case OPT_SEQUENTIAL:
		o->sequential = true;
		return true;
	case OPT_ONE_BLOCK:
		o->one_block = true;
		return true;
	case OPT_SAME_FILE:
		o->same_file = true;
		return true;
	case OPT_WRITE_THROUGH:
		o->write_through = true;
		return true;
	case OPT_NO_VERIFY:
		o->no_verify = true;
		return true;
	case OPT_KEEP:
		o->keep = true;
		return true;
	case OPT_JSON:
		o->json = true;
		return true;
	}
	return false;
}

static void parse(struct options *o, int argc, char **argv)
{
	const char *address = NULL;
	uint16_t port = 445;
	int opt;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			fputs(usage, stdout);
			exit(0);
		}
		if (!set_text(o, opt, optarg, &address, &port) && !set_number(o, opt, optarg) &&
		    !set_flag(o, opt)) {
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (!address || !o->user || !o->password || !o->share || optind != argc) {
		fputs(usage, stderr);
		exit(2);
	}
	if (o->seconds <= 0 || o->warmup < 0)
		die("--seconds and --warmup must be positive", NULL);
	if (net_addr_resolve(address, port, &o->addr) < 0)
		die("no such address:", address);
	if (o->file_size < o->size)
		o->file_size = o->size;
}

/* --- the run --- */

struct start {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned int waiting;
	bool go;
	uint64_t begin_ns, end_ns;
};

static struct start start = { .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };

static void *lane_thread(void *arg)
{
	struct lane *l = arg;
	int r = lane_start(l);

	pthread_mutex_lock(&start.lock);
	start.waiting++;
	pthread_cond_broadcast(&start.cond);
	while (!start.go)
		pthread_cond_wait(&start.cond, &start.lock);
	l->begin_ns = start.begin_ns;
	l->end_ns = start.end_ns;
	pthread_mutex_unlock(&start.lock);
	if (r == 0)
		lane_work(l);
	return NULL;
}

static uint8_t *make_noise(const struct options *o)
{
	size_t n = NOISE_LEN + MAX(o->size, (uint32_t)(1 << 20));
	uint64_t x = UINT64_C(88172645463325252);
	uint8_t *p = malloc(n + 8);
	size_t i;

	for (i = 0; p && i < n; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(p + i, &x, 8);
	}
	return p;
}

struct total {
	struct hist hist;
	uint64_t ops, bytes;
	double seconds, client_cpu, server_cpu;
};

static void sleep_until(uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

/* Lets all lanes begin at once and measures CPU time over what is counted. */
static void measure(const struct options *o, struct total *t)
{
	uint64_t cpu, server;

	pthread_mutex_lock(&start.lock);
	while (start.waiting < o->connections)
		pthread_cond_wait(&start.cond, &start.lock);
	start.begin_ns = conn_now() + (uint64_t)(o->warmup * 1e9);
	start.end_ns = start.begin_ns + (uint64_t)(o->seconds * 1e9);
	start.go = true;
	pthread_cond_broadcast(&start.cond);
	pthread_mutex_unlock(&start.lock);
	sleep_until(start.begin_ns);
	cpu = cpu_of_self();
	server = o->server_pid ? cpu_of_tree(o->server_pid) : 0;
	sleep_until(start.end_ns);
	t->client_cpu = (double)(cpu_of_self() - cpu) / 1e9;
	t->server_cpu =
		o->server_pid ? ((double)cpu_of_tree(o->server_pid) - (double)server) / 1e9 : 0;
	t->seconds = o->seconds;
}

static void print_text(const struct options *o, const struct total *t)
{
	printf("%s, %u connections, depth %u", o->mode_name, o->connections, o->depth);
	if (t->bytes)
		printf(", %u bytes", o->size);
	printf(": %.0f ops/s", (double)t->ops / t->seconds);
	if (t->bytes)
		printf(", %.1f MB/s", (double)t->bytes / t->seconds / 1e6);
	printf(", latency median %.0f us, p99 %.0f us, max %.0f us",
	       (double)hist_percentile(&t->hist, 0.5) / 1e3,
	       (double)hist_percentile(&t->hist, 0.99) / 1e3, (double)t->hist.max / 1e3);
	printf("; CPU client %.2f", t->client_cpu / t->seconds);
	if (o->server_pid)
		printf(", server %.2f, %.1f us a request", t->server_cpu / t->seconds,
		       t->ops ? t->server_cpu * 1e6 / (double)t->ops : 0);
	putchar('\n');
}

static void print_json(const struct options *o, const struct total *t)
{
	printf("{\"mode\":\"%s\",\"connections\":%u,\"depth\":%u,\"size\":%u,\"seconds\":%.3f,\"ops\":%" PRIu64
	       ",\"ops_per_s\":%.1f,\"mb_per_s\":%.2f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"mean_us\":%.1f,\"max_us\":%.1f"
	       ",\"client_cpu\":%.3f,\"server_cpu\":%.3f,\"server_cpu_us_per_op\":%.2f}\n",
	       o->mode_name, o->connections, o->depth, o->size, t->seconds, t->ops,
	       (double)t->ops / t->seconds, (double)t->bytes / t->seconds / 1e6,
	       (double)hist_percentile(&t->hist, 0.5) / 1e3,
	       (double)hist_percentile(&t->hist, 0.99) / 1e3,
	       t->hist.count ? (double)t->hist.sum / (double)t->hist.count / 1e3 : 0,
	       (double)t->hist.max / 1e3, t->client_cpu / t->seconds, t->server_cpu / t->seconds,
	       t->ops ? t->server_cpu * 1e6 / (double)t->ops : 0);
}

static int run(const struct options *o, struct total *t)
{
	struct lane *lanes = calloc(o->connections, sizeof(*lanes));
	uint8_t *noise = make_noise(o);
	unsigned int i;
	int failed = 0;

	if (!lanes || !noise)
		die("out of memory", NULL);
	for (i = 0; i < o->connections; i++) {
		lanes[i].o = o;
		lanes[i].number = i;
		lanes[i].noise = noise;
		if (pthread_create(&lanes[i].thread, NULL, lane_thread, &lanes[i]) != 0)
			die("cannot make another thread", NULL);
	}
	measure(o, t);
	for (i = 0; i < o->connections; i++) {
		pthread_join(lanes[i].thread, NULL);
		if (lanes[i].err && !failed) {
			fprintf(stderr, "hfbench: connection %u: %s\n", i, lanes[i].error);
			failed = 1;
		}
		hist_merge(&t->hist, &lanes[i].hist);
		t->ops += lanes[i].ops;
		t->bytes += lanes[i].bytes;
	}
	for (i = 0; i < o->connections; i++)
		lane_finish(&lanes[i]);
	free(lanes);
	free(noise);
	return failed;
}

int main(int argc, char **argv)
{
	struct options o = { .mode = MODE_OPEN_CLOSE,
			     .mode_name = "open-close",
			     .connections = 1,
			     .depth = 1,
			     .files = 1,
			     .size = 4096,
			     .file_size = 64u << 20,
			     .seconds = 5,
			     .warmup = 0.5 };
	static struct total t;

	signal(SIGPIPE, SIG_IGN);
	parse(&o, argc, argv);
	if (run(&o, &t))
		return 1;
	if (o.json)
		print_json(&o, &t);
	else
		print_text(&o, &t);
	return 0;
}
