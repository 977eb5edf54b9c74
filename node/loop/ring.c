/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The io_uring of a loop: set-up, submission, completion, cancellation. On the loop's thread. */
#include "node/loop/loop_priv.h"

#include <poll.h>
#include <sys/syscall.h>

#include "node/base/clock.h"

static const uint8_t needed_ops[] = {
	IORING_OP_POLL_ADD,  IORING_OP_RECV,	  IORING_OP_SEND,	  IORING_OP_SENDMSG,
	IORING_OP_ACCEPT,    IORING_OP_CONNECT,	  IORING_OP_ASYNC_CANCEL, IORING_OP_READV,
	IORING_OP_WRITEV,    IORING_OP_READ,	  IORING_OP_WRITE,	  IORING_OP_FSYNC,
	IORING_OP_FALLOCATE, IORING_OP_CLOSE,	  IORING_OP_OPENAT2,	  IORING_OP_STATX,
	IORING_OP_UNLINKAT,  IORING_OP_RENAMEAT,  IORING_OP_MKDIRAT,	  IORING_OP_LINKAT,
	IORING_OP_SYMLINKAT, IORING_OP_FGETXATTR, IORING_OP_FSETXATTR,
};

static int probe_ops(struct loop *l)
{
	struct io_uring_probe *p = io_uring_get_probe_ring(&l->ring);
	int r = 0;

	if (!p)
		return -ENOSYS;
	for (size_t i = 0; i < ARRAY_SIZE(needed_ops); i++)
		if (!io_uring_opcode_supported(p, needed_ops[i]))
			r = -ENOSYS;
	l->has_msg_ring = io_uring_opcode_supported(p, IORING_OP_MSG_RING);
	io_uring_free_probe(p);
	return r;
}

int ring_open(struct loop *l, unsigned int entries)
{
	/* Best first: what a kernel does not know it refuses with -EINVAL. */
	static const unsigned int modes[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		0,
	};
	struct io_uring_params p;
	int r = -EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(modes) && r == -EINVAL; i++) {
		p = (struct io_uring_params){
			.flags = modes[i] | IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL |
				 IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE,
			.cq_entries = entries * 4,
		};
		r = io_uring_queue_init_params(entries, &l->ring, &p);
	}
	if (r < 0)
		return r;
	if (!(p.features & IORING_FEAT_NODROP) || !(p.features & IORING_FEAT_EXT_ARG))
		r = -ENOSYS;
	else
		r = probe_ops(l);
	if (r < 0)
		io_uring_queue_exit(&l->ring);
	return r;
}

void ring_close(struct loop *l)
{
	io_uring_queue_exit(&l->ring);
}

static void eventfd_arm(struct loop *l)
{
	struct io_uring_sqe *sqe = ring_sqe(l);

	assert(sqe); /* the queue was empty, or was just submitted */
	io_uring_prep_poll_add(sqe, l->box.evfd, POLLIN);
	sqe->user_data = TAG_EVENTFD;
}

int ring_enable(struct loop *l)
{
	if (l->ring_on)
		return 0;
	/* liburing 2.3 declares io_uring_enable_rings() but its shared library does not export it.
	 */
	if (syscall(__NR_io_uring_register, l->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL,
		    0) < 0)
		return -errno;
	io_uring_register_ring_fd(&l->ring); /* only saves time */
	l->ring_on = true;
	eventfd_arm(l);
	return 0;
}

struct io_uring_sqe *ring_sqe(struct loop *l)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);

	if (!sqe) {
		io_uring_submit(&l->ring);
		sqe = io_uring_get_sqe(&l->ring);
	}
	return sqe;
}

void ring_cancel(struct loop *l, struct op *op)
{
	if (op->cancel_asked)
		return;
	op->cancel_asked = true;
	list_append(&l->cancels, &op->cancel_link);
	loop_kick(l);
}

/* A cancellation always precedes, in the queue, whatever is later submitted under the same address.
 */
static void flush_cancels(struct loop *l)
{
	struct io_uring_sqe *sqe;
	struct op *op;

	while ((op = list_first(&l->cancels, struct op, cancel_link)) && (sqe = ring_sqe(l))) {
		list_remove(&op->cancel_link);
		io_uring_prep_cancel64(sqe, (uint64_t)(uintptr_t)op | TAG_OP, 0);
		sqe->user_data = TAG_IGNORE;
	}
}

static void complete(struct loop *l, uint64_t data, int res)
{
	void *p = (void *)(uintptr_t)(data & ~(uint64_t)TAG_MASK);
	struct op *op;

	switch (data & TAG_MASK) {
	case TAG_OP:
		op = p;
		op->res = res;
		l->inflight--;
		list_remove(&op->cancel_link);
		task_ready(op->task, 0);
		break;
	case TAG_SENT_WAKE:
		if (res < 0)
			mailbox_wake(&((struct loop *)p)->box);
		break;
	case TAG_EVENTFD:
		mailbox_drain(&l->box);
		if (res != -ECANCELED)
			eventfd_arm(l);
		break;
	default:
		break;
	}
}

static void reap(struct loop *l)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;
	uint64_t data;
	int res;

	io_uring_for_each_cqe(&l->ring, head, cqe)
	{
		data = cqe->user_data;
		res = cqe->res;
		n++;
		complete(l, data, res);
	}
	io_uring_cq_advance(&l->ring, n);
}

/* Without IORING_SQ_TASKRUN (old kernels) completions are delivered on any way into the kernel. */
static bool must_enter(const struct loop *l)
{
	unsigned int flags = __atomic_load_n(l->ring.sq.kflags, __ATOMIC_ACQUIRE);

	return io_uring_sq_ready(&l->ring) || (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW));
}

bool ring_pending(const struct loop *l)
{
	return io_uring_cq_ready(&l->ring) || must_enter(l);
}

int ring_enter(struct loop *l, uint64_t wait_ns)
{
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = {
		.tv_sec = (long long)(wait_ns / NSEC_PER_SEC),
		.tv_nsec = (long long)(wait_ns % NSEC_PER_SEC),
	};
	int r = 0;

	flush_cancels(l);
	if (wait_ns && !io_uring_cq_ready(&l->ring))
		r = io_uring_submit_and_wait_timeout(&l->ring, &cqe, 1,
						     wait_ns == UINT64_MAX ? NULL : &ts, NULL);
	else if (must_enter(l))
		r = io_uring_submit_and_get_events(&l->ring);
	reap(l);
	if (r == -ETIME || r == -EINTR || r == -EBUSY || r == -EAGAIN)
		r = 0;
	return r < 0 ? r : 0;
}

struct io_uring_sqe *op_begin(struct op *op, uint64_t deadline, bool interruptible, int *ret_err)
{
	struct task *t = task_current();
	struct io_uring_sqe *sqe;

	assert(t);
	*op = (struct op){ .task = t, .deadline = deadline, .interruptible = interruptible };
	list_init(&op->cancel_link);
	for (;;) {
		if (interruptible && t->cancel && !t->shield) {
			t->cancel = false;
			*ret_err = -ECANCELED;
			return NULL;
		}
		if (deadline && deadline <= t->loop->now) {
			*ret_err = -ETIME;
			return NULL;
		}
		sqe = ring_sqe(t->loop);
		if (sqe)
			return sqe;
		task_yield();
	}
}

int op_wait(struct op *op, struct io_uring_sqe *sqe)
{
	struct task *t = op->task;

	sqe->user_data = (uint64_t)(uintptr_t)op | TAG_OP;
	t->loop->inflight++;
	t->op = op;
	task_wait(WAIT_OP, op->deadline, op->interruptible);
	t->op = NULL;
	if (op->cancel_asked && (op->res == -ECANCELED || op->res == -EINTR)) {
		if (op->timed_out && !t->cancel)
			return -ETIME;
		t->cancel = false;
		return -ECANCELED;
	}
	return op->res;
}
