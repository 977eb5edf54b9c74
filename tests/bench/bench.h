/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hfbench: a lane is one connection with its own thread, a slot one of the lane's requests that are
 * on their way at once. Lanes share nothing but the options and the barrier at the start.
 */
#ifndef HF_TESTS_BENCH_BENCH_H
#define HF_TESTS_BENCH_BENCH_H

#include <pthread.h>

#include "smbd/wire/create.h"
#include "tests/bench/stats.h"
#include "tests/client/login.h"

enum mode {
	MODE_OPEN_CLOSE,
	MODE_PERSISTENT,
	MODE_READ,
	MODE_WRITE,
	MODE_MIX,
	MODE_ECHO,
	MODE_SESSION,
};

struct options {
	struct net_addr addr;
	const char *user, *password, *domain, *share;
	uint16_t dialect; /* 0: the highest */
	bool sign, seal;
	const char *mode_name;
	enum mode mode;
	unsigned int connections, depth, files;
	uint32_t size; /* bytes of a read or write */
	uint64_t file_size; /* of each lane's file */
	double seconds, warmup;
	bool same_file; /* all lanes and slots use one file */
	bool sequential; /* offsets go up; else random */
	bool one_block; /* always offset 0 */
	bool write_through;
	bool no_verify; /* do not check signatures */
	bool keep; /* leave the files */
	bool json;
	pid_t server_pid; /* whose CPU time is measured with its children's; 0: none */
};

struct lane;

struct slot {
	struct call call;
	struct lane *lane;
	struct slot *next_ready;
	unsigned int number;
	enum { SLOT_IDLE, SLOT_OPENING, SLOT_OPEN, SLOT_CLOSING, SLOT_IO } state;
	uint64_t start_ns, serial;
	bool writing;
	struct smb2_fileid file;
};

struct lane {
	const struct options *o;
	unsigned int number;
	pthread_t thread;
	struct conn *c;
	struct sess *s;
	uint32_t tree;
	struct smb2_fileid file; /* of reads and writes */
	bool has_file;
	struct slot *slots, *ready;
	unsigned int busy; /* slots on their way */
	uint64_t begin_ns, end_ns; /* what is counted */
	uint64_t rng, position;
	uint64_t ops, bytes, errors;
	struct hist hist;
	const uint8_t *noise; /* random bytes to write, NOISE_LEN + size of them */
	int err; /* why the lane ended early; 0: it did not */
	char error[256];
};

#define NOISE_LEN (32u << 20)

/* lane.c: connects, logs in, prepares files. 0 or a negative errno with lane->error. */
int lane_start(struct lane *l);
/* Works until end_ns, then waits for what is on its way. */
int lane_work(struct lane *l);
/* Deletes what it made and disconnects. */
void lane_finish(struct lane *l);
int lane_fail(struct lane *l, int err, const char *fmt, ...) HF_PRINTF(3, 4);
/* A slot has nothing on its way: it is sent its next request. */
void lane_ready(struct lane *l, struct slot *s);
/* The operation that began at s->start_ns ended well. */
void lane_count(struct lane *l, struct slot *s, uint64_t bytes);
uint64_t lane_random(struct lane *l);

/* work.c: sends a slot's next request; takes its answers. */
int work_send(struct slot *s);
/* Opens (persistent, when the mode is) without counting; for lane.c. */
int work_open(struct lane *l, const char *name, uint32_t access, uint32_t disposition,
	      uint32_t options, struct smb2_fileid *ret);
int work_close(struct lane *l, struct smb2_fileid file);
int work_write(struct lane *l, struct smb2_fileid file, uint64_t offset, uint32_t size);

#endif
