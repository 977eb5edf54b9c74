/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stack switching: a few instructions on x86-64 and arm64, ucontext elsewhere. Any thread. */
#include "node/loop/context.h"

#ifdef HF_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef HF_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* TSan counts calls and returns per fiber; a fiber that is left for good must not have counted a
 * call. */
#ifdef HF_TSAN
#define NO_TSAN __attribute__((no_sanitize("thread"), noinline))
#else
#define NO_TSAN
#endif

#if defined(__x86_64__) || defined(__aarch64__)
/* Pushes what a callee must preserve, stores the stack pointer, loads the other one and pops. */
void hf_context_swap(void **save_sp, void *load_sp);
/* Where a new stack begins: calls the function in the first preserved register with the second as
 * argument. */
void hf_context_start(void);

#if defined(__x86_64__)
__asm__(".text\n"
	".globl hf_context_swap\n"
	".hidden hf_context_swap\n"
	".type hf_context_swap,@function\n"
	"hf_context_swap:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	subq $8, %rsp\n"
	"	stmxcsr (%rsp)\n"
	"	fnstcw 4(%rsp)\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	ldmxcsr (%rsp)\n"
	"	fldcw 4(%rsp)\n"
	"	addq $8, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size hf_context_swap,.-hf_context_swap\n"
	".globl hf_context_start\n"
	".hidden hf_context_start\n"
	".type hf_context_start,@function\n"
	"hf_context_start:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined rip\n"
	"	movq %r13, %rdi\n"
	"	callq *%r12\n"
	"	ud2\n"
	"	.cfi_endproc\n"
	".size hf_context_start,.-hf_context_start\n");

static void *stack_prepare(void *stack, size_t size, void (*entry)(void *), void *arg)
{
	uintptr_t top = ((uintptr_t)stack + size) & ~(uintptr_t)15;
	uint64_t *sp = (uint64_t *)top;
	uint32_t mxcsr;
	uint16_t fpucw;

	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(fpucw));
	*--sp = 0; /* keeps the stack aligned at the first call */
	*--sp = 0;
	*--sp = (uint64_t)(uintptr_t)hf_context_start; /* where the swap returns to */
	*--sp = 0; /* rbp: ends a walk by frame pointers */
	*--sp = 0; /* rbx */
	*--sp = (uint64_t)(uintptr_t)entry; /* r12 */
	*--sp = (uint64_t)(uintptr_t)arg; /* r13 */
	*--sp = 0; /* r14 */
	*--sp = 0; /* r15 */
	*--sp = (uint64_t)mxcsr | (uint64_t)fpucw << 32;
	return sp;
}
#else /* __aarch64__ */
__asm__(".text\n"
	".globl hf_context_swap\n"
	".hidden hf_context_swap\n"
	".type hf_context_swap,%function\n"
	"hf_context_swap:\n"
	"	sub sp, sp, #176\n"
	"	stp x19, x20, [sp, #0]\n"
	"	stp x21, x22, [sp, #16]\n"
	"	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n"
	"	stp x27, x28, [sp, #64]\n"
	"	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n"
	"	str x9, [x0]\n"
	"	mov sp, x1\n"
	"	ldp x19, x20, [sp, #0]\n"
	"	ldp x21, x22, [sp, #16]\n"
	"	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n"
	"	ldp x27, x28, [sp, #64]\n"
	"	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #176\n"
	"	ret\n"
	".size hf_context_swap,.-hf_context_swap\n"
	".globl hf_context_start\n"
	".hidden hf_context_start\n"
	".type hf_context_start,%function\n"
	"hf_context_start:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined x30\n"
	"	mov x0, x20\n"
	"	blr x19\n"
	"	brk #1\n"
	"	.cfi_endproc\n"
	".size hf_context_start,.-hf_context_start\n");

static void *stack_prepare(void *stack, size_t size, void (*entry)(void *), void *arg)
{
	uintptr_t top = ((uintptr_t)stack + size) & ~(uintptr_t)15;
	uint64_t *sp = (uint64_t *)(top - 176);

	memset(sp, 0, 176);
	sp[0] = (uint64_t)(uintptr_t)entry; /* x19 */
	sp[1] = (uint64_t)(uintptr_t)arg; /* x20 */
	sp[11] = (uint64_t)(uintptr_t)hf_context_start; /* x30 */
	return sp;
}
#endif

int context_init(struct context *c, void *stack, size_t size, void *fiber, void (*entry)(void *arg),
		 void *arg)
{
	*c = (struct context){ .bottom = stack, .size = size, .fiber = fiber };
	c->sp = stack_prepare(stack, size, entry, arg);
	return 0;
}

void context_done(struct context *c)
{
	c->sp = NULL;
}

NO_TSAN static void swap(struct context *from, struct context *to)
{
	hf_context_swap(&from->sp, to->sp);
}

#else /* no assembly for this machine */
#include <ucontext.h>

static void start(unsigned int e_hi, unsigned int e_lo, unsigned int a_hi, unsigned int a_lo)
{
	void (*entry)(void *) = (void (*)(void *))(uintptr_t)((uint64_t)e_hi << 32 | e_lo);

	entry((void *)(uintptr_t)((uint64_t)a_hi << 32 | a_lo));
	abort();
}

int context_init(struct context *c, void *stack, size_t size, void *fiber, void (*entry)(void *arg),
		 void *arg)
{
	uint64_t e = (uint64_t)(uintptr_t)entry, a = (uint64_t)(uintptr_t)arg;
	ucontext_t *u = malloc(sizeof(*u));

	if (!u)
		return -ENOMEM;
	if (getcontext(u) < 0) {
		free(u);
		return -errno;
	}
	u->uc_stack.ss_sp = stack;
	u->uc_stack.ss_size = size;
	u->uc_link = NULL;
	makecontext(u, (void (*)(void))start, 4, (unsigned int)(e >> 32), (unsigned int)e,
		    (unsigned int)(a >> 32), (unsigned int)a);
	*c = (struct context){ .sp = u, .bottom = stack, .size = size, .fiber = fiber };
	return 0;
}

void context_done(struct context *c)
{
	free(c->sp);
	c->sp = NULL;
}

NO_TSAN static void swap(struct context *from, struct context *to)
{
	ucontext_t here;

	if (from->sp) {
		swapcontext(from->sp, to->sp);
		return;
	}
	/* The thread's own context lives on its stack while it is away. */
	from->sp = &here;
	swapcontext(&here, to->sp);
	from->sp = NULL;
}
#endif

void context_init_thread(struct context *c)
{
	*c = (struct context){ 0 };
#ifdef HF_TSAN
	c->fiber = __tsan_get_current_fiber();
#endif
}

NO_TSAN void context_switch(struct context *from, struct context *to, bool last)
{
#ifdef HF_ASAN
	__sanitizer_start_switch_fiber(last ? NULL : &from->fake_stack, to->bottom, to->size);
#endif
#ifdef HF_TSAN
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
	swap(from, to);
#ifdef HF_ASAN
	/* Here again: tell it that we are back, and where the other one's stack was. */
	__sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
}

NO_TSAN void context_entered(struct context *self, struct context *from)
{
#ifdef HF_ASAN
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(NULL, &bottom, &size);
	from->bottom = (void *)(uintptr_t)bottom;
	from->size = size;
#endif
	(void)self;
	(void)from;
}
