/* The first calls made in a foreign process, from a piece of memory too small for the stub: two
 * system calls, then the signal that says "done" to a tracer, then the thread's own signal mask.
 * What follows behind the end is reached only when the tracer has died meanwhile.
 *
 * Every argument comes in a register, so that the code is the same for everybody:
 *   rax rdi rsi rdx r10 r8 r9   the first call, whose result is then in rbx
 *   r12 r13                     the second is mprotect(result + r12, r13, PROT_READ | PROT_WRITE),
 *                               whose result is then in r12
 *   r14 r15 ebp                 process, thread and signal for tgkill
 * Entered at `last`, there is only one call, of rax rdi rsi, whose result is then in r12. */
#ifndef APPSHOT_RESTORER_STUB_FIRST_CALLS_H
#define APPSHOT_RESTORER_STUB_FIRST_CALLS_H

#ifdef __cplusplus
extern "C" {
extern const unsigned char appshot_first_calls_begin[];
extern const unsigned char appshot_first_calls_last[];
extern const unsigned char appshot_first_calls_told[]; /* where it is when the tracer is told */
extern const unsigned char appshot_first_calls_mask[]; /* eight bytes to be filled in */
extern const unsigned char appshot_first_calls_end[];
}
#endif

#endif
