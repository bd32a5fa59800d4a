/* See first_calls.h. Bytes to be copied, so not among the code of this program. */
#include <asm/unistd.h>

#define PROT_READ_WRITE 3
#define SIG_SETMASK 2
#define MASK_BYTES 8

    .section .rodata
    .globl appshot_first_calls_begin
    .globl appshot_first_calls_last
    .globl appshot_first_calls_told
    .globl appshot_first_calls_mask
    .globl appshot_first_calls_end
    .balign 16
appshot_first_calls_begin:
    syscall
    mov %rax, %rbx
    lea (%rbx, %r12), %rdi
    mov %r13, %rsi
    mov $PROT_READ_WRITE, %edx
    mov $__NR_mprotect, %eax
appshot_first_calls_last:
    syscall
    mov %rax, %r12
    mov %r14, %rdi
    mov %r15, %rsi
    mov %ebp, %edx
    mov $__NR_tgkill, %eax
    syscall
appshot_first_calls_told:
    mov $SIG_SETMASK, %edi
    lea appshot_first_calls_mask(%rip), %rsi
    xor %edx, %edx
    mov $MASK_BYTES, %r10d
    mov $__NR_rt_sigprocmask, %eax
    syscall
    jmp appshot_first_calls_end
appshot_first_calls_mask:
    .quad 0
appshot_first_calls_end:
    .byte 0
    .section .note.GNU-stack,"",@progbits
