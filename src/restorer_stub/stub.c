/* The stub: performs a StubTask's calls. Freestanding and position independent; see stub_abi.h. */
#include "stub_abi.h"

#define SYS_clone3 435
#define SYS_futex 202
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

static inline __attribute__((always_inline)) int64_t call6(int64_t number, uint64_t a, uint64_t b,
                                                           uint64_t c, uint64_t d, uint64_t e,
                                                           uint64_t f) {
  register uint64_t r10 __asm__("r10") = d;
  register uint64_t r8 __asm__("r8") = e;
  register uint64_t r9 __asm__("r9") = f;
  int64_t result = number;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static void wait_while(uint32_t* word, uint32_t value) {
  call6(SYS_futex, (uint64_t)word, FUTEX_WAIT, value, 0, 0, 0);
}

static void tell_harness(struct StubControl* control) {
  __atomic_add_fetch(&control->progress, 1, __ATOMIC_SEQ_CST);
  call6(SYS_futex, (uint64_t)&control->progress, FUTEX_WAKE, 0x7fffffff, 0, 0, 0);
}

/* The first failure is the one that is told; the harness ends everyone after any. */
static void fail(struct StubTask* task, struct StubCall* call) {
  struct StubControl* control = task->control;
  uint32_t nobody = 0;
  if (control && __atomic_compare_exchange_n(&control->failed, &nobody, 1, 0, __ATOMIC_SEQ_CST,
                                             __ATOMIC_SEQ_CST)) {
    control->failed_tid = task->tid;
    control->failed_tag = call->tag;
    control->failed_index = task->next;
    control->failed_number = call->number;
    control->failed_result = call->result;
    for (int i = 0; i < 6; ++i) control->failed_args[i] = call->args[i];
    __atomic_store_n(&control->failed, 2, __ATOMIC_SEQ_CST);
    tell_harness(control);
  }
  for (uint32_t never = 0;;) wait_while(&never, 0);
}

static void barrier(struct StubControl* control, uint32_t stage) {
  if (__atomic_add_fetch(&control->arrived[stage], 1, __ATOMIC_SEQ_CST) ==
      __atomic_load_n(&control->expected[stage], __ATOMIC_SEQ_CST))
    tell_harness(control);
  for (;;) {
    uint32_t now = __atomic_load_n(&control->stage, __ATOMIC_SEQ_CST);
    if (now >= stage) return;
    wait_while(&control->stage, now);
  }
}

static void perform(struct StubTask* task);

struct CloneArgs {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
      set_tid_size, cgroup;
};

static void wake(uint32_t* word) {
  call6(SYS_futex, (uint64_t)word, FUTEX_WAKE, 0x7fffffff, 0, 0, 0);
}

static void set(uint32_t* word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
  wake(word);
}

static void wait_until(uint32_t* word, uint32_t value) {
  for (uint32_t now; (now = __atomic_load_n(word, __ATOMIC_SEQ_CST)) != value;)
    wait_while(word, now);
}

static void begin_id_turn(struct StubControl* control, const struct StubKeptIds* ids) {
  uint32_t nobody = 0;
  while (!__atomic_compare_exchange_n(&control->id_turn, &nobody, 1, 0, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST)) {
    wait_while(&control->id_turn, 1);
    nobody = 0;
  }
  for (uint32_t i = 0; i < ids->count; ++i) {
    const uint32_t keeper = ids->each[i].keeper;
    set(&control->keepers[keeper].wanted, ids->each[i].id);
    wait_until(&control->keepers[keeper].next, ids->each[i].id);
  }
}

static void end_id_turn(struct StubControl* control, const struct StubKeptIds* ids) {
  for (uint32_t i = 0; i < ids->count; ++i) {
    const uint32_t keeper = ids->each[i].keeper;
    set(&control->keepers[keeper].wanted, 0);
    wait_until(&control->keepers[keeper].next, 0);
  }
  set(&control->id_turn, 0);
}

static int64_t spawn(struct StubTask* child, const uint64_t* how) {
  struct CloneArgs args;
  args.flags = how[1];
  args.pidfd = args.child_tid = args.parent_tid = args.tls = args.cgroup = 0;
  args.exit_signal = how[4];
  args.stack = child->stack_top - 4096;
  args.stack_size = 4096;
  args.set_tid = how[3] != 0 ? how[2] : 0;
  args.set_tid_size = how[3];
  const struct StubKeptIds* kept = (const struct StubKeptIds*)how[5];
  if (kept) begin_id_turn(child->control, kept);
  int64_t result = SYS_clone3;
  void (*entry)(struct StubTask*) = perform;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %[child], %%rdi\n\t"
      "call *%[entry]\n\t"
      "hlt\n"
      "1:"
      : "+a"(result)
      : "D"(&args), "S"(sizeof args), [child] "r"(child), [entry] "r"(entry)
      : "rcx", "r11", "memory");
  if (kept) end_id_turn(child->control, kept);
  return result;
}

static void perform(struct StubTask* task) {
  for (; task->next < task->count; ++task->next) {
    struct StubCall* call = &task->calls[task->next];
    uint64_t* args = call->args;
    if (call->number == STUB_OP_BARRIER) {
      barrier(task->control, (uint32_t)args[0]);
      continue;
    }
    if (call->number == STUB_OP_TELL || call->number == STUB_OP_AWAIT) {
      (call->number == STUB_OP_TELL ? set : wait_until)((uint32_t*)args[0], (uint32_t)args[1]);
      continue;
    }
    if (call->number == STUB_OP_SPAWN) {
      call->result = spawn((struct StubTask*)args[0], args);
    } else if (call->number == STUB_OP_COPY) {
      const volatile unsigned char* from = (const volatile unsigned char*)args[1];
      volatile unsigned char* to = (volatile unsigned char*)args[0];
      for (uint64_t i = 0; i < args[2]; ++i) to[i] = from[i];
      call->result = 0;
    } else {
      const uint64_t first =
          call->flags & STUB_FIRST_AT ? *(const volatile uint64_t*)args[0] : args[0];
      call->result = call6(call->number, first, args[1], args[2], args[3], args[4], args[5]);
    }
    if (call->flags & STUB_EXPECT) {
      if (call->result != call->expected) fail(task, call);
    } else if (call->result < 0 && call->result >= -4095 && !(call->flags & STUB_MAY_FAIL)) {
      fail(task, call);
    }
  }
  task->finished = 1;
}

__attribute__((section(".text.entry"), used)) void stub_entry(struct StubTask* task) {
  perform(task);
}
