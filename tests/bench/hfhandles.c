/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hfhandles: how long many persistent opens with locks and leases are without service when their node ends. Opens them through
 * one node, runs a command that ends it, reclaims all of them from another node, checks that their locks and leases hold. The
 * main thread.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "node/base/clock.h"
#include "tests/bench/handles.h"

static const char usage[] =
	"usage: hfhandles --address ADDR --next ADDR --user NAME --password WORD --share NAME --event COMMAND [OPTION]...\n"
	"  --event COMMAND    ends the node at --address, or its file server\n"
	"  --handles N        1000\n"
	"  --clients N        10; each has a connection, and its share of the handles\n"
	"  --depth N          16; requests on their way at once on each connection\n"
	"  --patience S       60; seconds that a client waits for an answer\n"
	"  --lease STATES     of R, W, H: each open has a lease of its own (version 2), which has to be the same after the reclaim\n"
	"  --directories      open directories instead of files; they have no locks, and their leases are taken back with the node\n"
	"                     and had again\n"
	"Prints one JSON object. Times are milliseconds from the moment at which the first connection broke: first_ms, each_ms and\n"
	"all_ms until the first reclaim, the first one of every client and the last one were answered; service_ms until 128 new\n"
	"files, spread over all slots, were opened by another client, which asks for all of them at once.\n";

#define PROBES 128u

static _Atomic(uint64_t) lost; /* CLOCK_MONOTONIC ns of the first broken connection; 0: none yet */

static const struct option long_options[] = {
	{ "address", 1, NULL, 'a' }, { "next", 1, NULL, 'n' },	   { "user", 1, NULL, 'u' },
	{ "password", 1, NULL, 'p' }, { "share", 1, NULL, 's' },    { "event", 1, NULL, 'e' },
	{ "handles", 1, NULL, 'H' },  { "clients", 1, NULL, 'c' },  { "depth", 1, NULL, 'd' },
	{ "patience", 1, NULL, 'w' }, { "lease", 1, NULL, 'l' },    { "directories", 0, NULL, 'D' },
	{ "help", 0, NULL, 'h' },     { NULL, 0, NULL, 0 },
};

static void __attribute__((noreturn)) die(const char *what, const char *arg)
{
	fprintf(stderr, "hfhandles: %s%s%s\n", what, arg ? " " : "", arg ? arg : "");
	exit(2);
}

static unsigned int number(const char *text, unsigned long max)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (end == text || *end || v < 1 || v > max)
		die("not a number in range:", text);
	return (unsigned int)v;
}

static void address(const char *text, struct net_addr *ret)
{
	if (net_addr_resolve(text, 445, ret) < 0)
		die("no such address:", text);
}

static uint32_t lease_states(const char *text)
{
	uint32_t state = 0;

	for (const char *p = text; *p; p++)
		switch (*p) {
		case 'R': state |= SMB2_LEASE_READ_CACHING; break;
		case 'W': state |= SMB2_LEASE_WRITE_CACHING; break;
		case 'H': state |= SMB2_LEASE_HANDLE_CACHING; break;
		default: die("no states of a lease:", text);
		}
	return state;
}

/* Each client is a connection. */
static void allow_files(unsigned int n)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= n)
		return;
	l.rlim_cur = n;
	l.rlim_max = MAX(l.rlim_max, (rlim_t)n);
	if (setrlimit(RLIMIT_NOFILE, &l) < 0)
		die("so many clients cannot have a connection each:", strerror(errno));
}

static const char *parse(struct plan *p, int argc, char **argv)
{
	const char *event = NULL;
	unsigned int given = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (opt) {
		case 'a': address(optarg, &p->first); given |= 1; break;
		case 'n': address(optarg, &p->next); given |= 2; break;
		case 'u': p->user = optarg; break;
		case 'p': p->password = optarg; break;
		case 's': p->share = optarg; break;
		case 'e': event = optarg; break;
		case 'H': p->handles = number(optarg, 10000000); break;
		case 'c': p->clients = number(optarg, 10000); break;
		case 'd': p->depth = number(optarg, 4000); break;
		case 'w': p->patience_ns = number(optarg, 3600) * NSEC_PER_SEC; break;
		case 'l': p->lease = lease_states(optarg); break;
		case 'D': p->directories = true; break;
		case 'h': fputs(usage, stdout); exit(0);
		default: fputs(usage, stderr); exit(2);
		}
	}
	if (given != 3 || !p->user || !p->password || !p->share || !event || optind != argc) {
		fputs(usage, stderr);
		exit(2);
	}
	return event;
}

static void *thread_open(void *arg)
{
	holder_open(arg);
	return NULL;
}

static void *thread_reclaim(void *arg)
{
	holder_reclaim(arg);
	return NULL;
}

static void *thread_regain(void *arg)
{
	holder_regain(arg);
	return NULL;
}

static void *thread_probe(void *arg)
{
	holder_probe(arg, &lost);
	return NULL;
}

static void *thread_close(void *arg)
{
	holder_close(arg);
	return NULL;
}

static void start_all(struct holder *h, unsigned int n, void *(*fn)(void *))
{
	for (unsigned int i = 0; i < n; i++)
		if (pthread_create(&h[i].thread, NULL, fn, &h[i]) != 0)
			die("cannot make another thread", NULL);
}

static void wait_all(struct holder *h, unsigned int n)
{
	unsigned int bad = 0;

	for (unsigned int i = 0; i < n; i++) {
		pthread_join(h[i].thread, NULL);
		if (h[i].error[0] && bad++ < 5)
			fprintf(stderr, "hfhandles: client %u: %s\n", i, h[i].error);
	}
	if (bad)
		exit(1);
}

static void report(const struct plan *p, const struct holder *h, const struct holder *probe, double open_s)
{
	uint64_t begin = atomic_load(&lost), first = UINT64_MAX, each = 0, all = 0;
	unsigned int i;

	for (i = 0; i < p->clients; i++) {
		first = MIN(first, h[i].first_ns);
		each = MAX(each, h[i].first_ns);
		all = MAX(all, h[i].all_ns);
	}
	printf("{\"handles\":%u,\"clients\":%u,\"open_s\":%.2f,\"first_ms\":%" PRIu64 ",\"each_ms\":%" PRIu64
	       ",\"service_ms\":%" PRIu64 ",\"all_ms\":%" PRIu64 "}\n",
	       p->handles, p->clients, open_s, (first - begin) / 1000000, (each - begin) / 1000000,
	       (probe->all_ns - begin) / 1000000, (all - begin) / 1000000);
}

int main(int argc, char **argv)
{
	struct plan p = { .handles = 1000, .clients = 10, .depth = 16, .patience_ns = 60 * NSEC_PER_SEC };
	const char *event = parse(&p, argc, argv);
	struct plan at_once = p;
	struct holder *h = calloc(p.clients, sizeof(*h)), other, probe;
	uint64_t begin = conn_now();
	double open_s;
	unsigned int i;

	signal(SIGPIPE, SIG_IGN);
	allow_files(p.clients + 64);
	at_once.depth = PROBES;
	for (i = 0; h && i < p.clients; i++)
		if (holder_init(&h[i], &p, i, p.handles / p.clients + (i < p.handles % p.clients)) < 0)
			die("out of memory", NULL);
	for (i = 0; h && i < p.clients; i++)
		h[i].lost = &lost;
	if (!h || holder_init(&other, &p, p.clients, 0) < 0 || holder_init(&probe, &at_once, p.clients + 1, PROBES) < 0)
		die("out of memory", NULL);
	start_all(h, p.clients, thread_open);
	wait_all(h, p.clients);
	open_s = (double)(conn_now() - begin) / 1e9;
	start_all(h, p.clients, thread_reclaim);
	start_all(&probe, 1, thread_probe);
	if (system(event) != 0)
		die("the event failed:", event);
	wait_all(h, p.clients);
	wait_all(&probe, 1);
	start_all(h, p.clients, thread_regain);
	wait_all(h, p.clients);
	for (i = 0; i < p.clients; i++)
		if (holder_check(&h[i], &other, MAX(200 / p.clients, 1u)) < 0)
			die(other.error, NULL);
	report(&p, h, &probe, open_s);
	start_all(h, p.clients, thread_close);
	wait_all(h, p.clients);
	for (i = 0; i < p.clients; i++)
		holder_done(&h[i]);
	holder_done(&other);
	holder_done(&probe);
	free(h);
	return 0;
}
