// A child of vfork that takes its time before it ends, and a parent that waits in the kernel for it
// with everything a process can have: each register, its rounding, handlers, masks, an alarm,
// signals that wait.
#include "subject.h"

#include <sys/time.h>

static volatile int tell_at, hear_from, child_result, usr1, usr2;
static int ends[2];

// Of SSE and of x87.
enum { kDownward = 1, kUpward = 2 };
static void round_to(unsigned way) {
  unsigned mxcsr = 0x1f80 | way << 13;
  unsigned short control = (unsigned short)(0x37f | way << 10);
  __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(control));
}
static bool rounds_to(unsigned way) {
  unsigned mxcsr;
  unsigned short control;
  __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(control));
  return (mxcsr >> 13 & 3) == way && (control >> 10 & 3) == way;
}

static void on_signal(int signal) { *(signal == SIGUSR1 ? &usr1 : &usr2) += 1; }

// In the memory and on the stack of its parent.
__attribute__((noinline, noreturn, used)) static void child_body(void) {
  char byte = 1;
  int result = 0;
  if (close(ends[0]) != 0 || dup2(ends[1], 70) != 70) result = 1;
  if (chdir("/etc") != 0) result = 2;
  umask(0123);
  round_to(kUpward);
  if (write(tell_at, &byte, 1) != 1) result = 3;
  while (byte != 0 && result == 0) {
    if (read(hear_from, &byte, 1) != 1) result = 4;
    if (fcntl(ends[0], F_GETFD) >= 0 || fcntl(70, F_GETFD) != 0) result = 5;
    if (!rounds_to(kUpward) || umask(0123) != 0123) result = 6;
    char text[64];
    if (getcwd(text, sizeof text) == NULL || strcmp(text, "/etc") != 0) result = 7;
    if (write(tell_at, &byte, 1) != 1) result = 8;
  }
  child_result = result;
  _exit(7);
}

struct values {
  uint64_t whole[13];  // rax rbx rdx rsi rdi rbp r8 r9 r10 r12 r13 r14 r15
  unsigned char vectors[16][16];
};
static struct values before __attribute__((used)), after __attribute__((used));
static volatile uint64_t stack_before __attribute__((used)), stack_after __attribute__((used));

#define EACH_VECTOR(M) \
  M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define LOAD(n) "movdqu 104+16*" #n "(%%rax), %%xmm" #n "\n\t"
#define STORE(n) "movdqu %%xmm" #n ", 104+16*" #n "(%%rcx)\n\t"

__attribute__((noinline)) static void vfork_with_registers(void) {
  __asm__ volatile(
      "push %%rbp\n\t push %%rbx\n\t mov %%rsp, stack_before(%%rip)\n\t"
      "lea before(%%rip), %%rax\n\t" EACH_VECTOR(LOAD)
      "mov 8(%%rax), %%rbx\n\t mov 16(%%rax), %%rdx\n\t mov 24(%%rax), %%rsi\n\t"
      "mov 32(%%rax), %%rdi\n\t mov 40(%%rax), %%rbp\n\t mov 48(%%rax), %%r8\n\t"
      "mov 56(%%rax), %%r9\n\t mov 64(%%rax), %%r10\n\t mov 72(%%rax), %%r12\n\t"
      "mov 80(%%rax), %%r13\n\t mov 88(%%rax), %%r14\n\t mov 96(%%rax), %%r15\n\t"
      "mov %[number], %%eax\n\t syscall\n\t"
      "test %%rax, %%rax\n\t jnz 1f\n\t"
      "sub $4096, %%rsp\n\t and $-64, %%rsp\n\t call child_body\n\t"
      "1: lea after(%%rip), %%rcx\n\t" EACH_VECTOR(STORE)
      "mov %%rax, (%%rcx)\n\t mov %%rbx, 8(%%rcx)\n\t mov %%rdx, 16(%%rcx)\n\t"
      "mov %%rsi, 24(%%rcx)\n\t mov %%rdi, 32(%%rcx)\n\t mov %%rbp, 40(%%rcx)\n\t"
      "mov %%r8, 48(%%rcx)\n\t mov %%r9, 56(%%rcx)\n\t mov %%r10, 64(%%rcx)\n\t"
      "mov %%r12, 72(%%rcx)\n\t mov %%r13, 80(%%rcx)\n\t mov %%r14, 88(%%rcx)\n\t"
      "mov %%r15, 96(%%rcx)\n\t mov %%rsp, stack_after(%%rip)\n\t pop %%rbx\n\t pop %%rbp\n\t"
      :
      : [number] "i"(SYS_vfork)
      : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
        "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
}

static int count_open(void) {
  int count = 0;
  for (int fd = 0; fd < 4096; ++fd) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

static void parent(void) {
  static char alternate[16384];
  CHECK_OK(pipe2(ends, O_CLOEXEC));
  CHECK_EQ(dup2(ends[0], 60), 60);
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaddset(&action.sa_mask, SIGHUP);
  CHECK_OK(sigaction(SIGUSR1, &action, NULL));
  CHECK_OK(sigaction(SIGUSR2, &action, NULL));
  CHECK(signal(SIGWINCH, SIG_IGN) == SIG_DFL);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR2);
  CHECK_OK(sigprocmask(SIG_SETMASK, &mask, NULL));
  union sigval value = {.sival_int = 1234};
  CHECK_OK(sigqueue(getpid(), SIGUSR2, value));
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  CHECK_OK(sigaltstack(&stack, NULL));
  struct itimerval alarm = {{5, 0}, {2000, 0}};
  CHECK_OK(setitimer(ITIMER_REAL, &alarm, NULL));
  CHECK_OK(prctl(PR_SET_NAME, "waits"));
  CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
  CHECK_OK(prctl(PR_SET_PDEATHSIG, SIGHUP));
  CHECK_OK(chdir(subject_dir()));
  umask(031);
  round_to(kDownward);
  fill_pattern(&before, sizeof before, 3);
  void* memory =
      CHECK_MAP(mmap(NULL, 1 << 21, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fill_pattern(memory, 1 << 21, 5);

  const int open_before = count_open();
  vfork_with_registers();
  const pid_t child = (pid_t)after.whole[0];
  CHECK_MEM(&after.whole[1], &before.whole[1], sizeof before.whole - 8);
  CHECK_MEM(after.vectors, before.vectors, sizeof before.vectors);
  CHECK_EQ(stack_after, stack_before);
  CHECK_EQ(reap(child), 7 << 8);
  CHECK_EQ(child_result, 0);
  check_pattern(memory, 1 << 21, 5);
  CHECK(rounds_to(kDownward));
  CHECK_EQ(umask(031), 031);
  char cwd[PATH_MAX];
  CHECK(getcwd(cwd, sizeof cwd) != NULL);
  CHECK_STR(cwd, subject_dir());
  CHECK_EQ(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
  CHECK_EQ(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
  CHECK_EQ(fcntl(60, F_GETFD), 0);
  CHECK_ERRNO(fcntl(70, F_GETFD), EBADF);
  CHECK_EQ(count_open(), open_before);

  struct sigaction now;
  CHECK_OK(sigaction(SIGUSR1, NULL, &now));
  CHECK(now.sa_handler == on_signal && (now.sa_flags & SA_RESTART) != 0);
  CHECK(sigismember(&now.sa_mask, SIGHUP) && !sigismember(&now.sa_mask, SIGINT));
  CHECK(signal(SIGWINCH, SIG_DFL) == SIG_IGN);
  CHECK_EQ(usr1, 1);  // which came while it waited
  CHECK_EQ(usr2, 0);
  siginfo_t info;
  CHECK_EQ(sigwaitinfo(&mask, &info), SIGUSR2);
  CHECK_EQ(info.si_value.sival_int, 1234);
  stack_t old;
  CHECK_OK(sigaltstack(NULL, &old));
  CHECK(old.ss_sp == alternate && old.ss_size == sizeof alternate && old.ss_flags == 0);
  CHECK_OK(setitimer(ITIMER_REAL, &(struct itimerval){0}, &alarm));
  CHECK_EQ(alarm.it_interval.tv_sec, 5);
  CHECK_NEAR(alarm.it_value.tv_sec, 1950, 50);
  char name[16];
  int setting = 0;
  CHECK_OK(prctl(PR_GET_NAME, name));
  CHECK_STR(name, "waits");
  CHECK_OK(prctl(PR_GET_CHILD_SUBREAPER, &setting));
  CHECK_EQ(setting, 1);
  CHECK_OK(prctl(PR_GET_PDEATHSIG, &setting));
  CHECK_EQ(setting, SIGHUP);
  _exit(0);
}

int main(void) {
  int tell[2], hear[2];
  char byte = 1;
  subject_dir();
  CHECK_OK(pipe(tell));
  CHECK_OK(pipe(hear));
  // Out of the way, at numbers that do not matter.
  tell_at = fcntl(tell[1], F_DUPFD, 50), hear_from = fcntl(hear[0], F_DUPFD, 50);
  pid_t pid = (pid_t)CHECK_OK(fork());
  if (pid == 0) parent();
  CHECK_EQ(read(tell[0], &byte, 1), 1);
  wait_until_state(pid, pid, 'D');
  CHECK_OK(kill(pid, SIGUSR1));
  STEP("parent waits");
  wait_until_state(pid, pid, 'D');
  byte = 2;
  CHECK_EQ(write(hear[1], &byte, 1), 1);
  CHECK_EQ(read(tell[0], &byte, 1), 1);
  CHECK_EQ(byte, 2);
  STEP("and again");
  byte = 0;
  CHECK_EQ(write(hear[1], &byte, 1), 1);
  CHECK_EQ(read(tell[0], &byte, 1), 1);
  reap_ok(pid);
  subject_done();
}
