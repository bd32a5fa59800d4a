/* What the stub and the programs that use it agree on. The stub is a few hundred bytes of code that
 * runs inside a foreign process with nothing around it: no libc, no data of its own, possibly no
 * other memory. It performs a list of system calls, one after the other, and keeps each result.
 * A capture uses it to ask a process what only the process itself can ask the kernel; a restore
 * uses it to take the last steps, when the memory of the restoring program is already gone. */
#ifndef APPSHOT_RESTORER_STUB_STUB_ABI_H
#define APPSHOT_RESTORER_STUB_STUB_ABI_H

#ifdef __cplusplus
#include <cstdint>
extern "C" {
#else
typedef signed int int32_t;
typedef unsigned int uint32_t;
typedef signed long int64_t;
typedef unsigned long uint64_t;
#endif

/* Numbers below zero are not system calls. */
enum {
  STUB_OP_BARRIER = -1, /* args[0]: stage. Arrive, and wait until the control page says so */
  STUB_OP_SPAWN = -2,   /* args[0]: StubTask*, args[1]: clone flags, args[2]: int32_t* ids to have,
                         the innermost pid namespace's first, args[3]: how many, args[4]: signal at
                         its end, args[5]: const StubKeptIds*, 0: all can be chosen */
  STUB_OP_COPY = -3,    /* args[0] = to, args[1] = from, args[2] = length */
  STUB_OP_TELL = -4,    /* args[0]: uint32_t*, which becomes args[1]; wakes who waits there */
  STUB_OP_AWAIT = -5    /* args[0]: uint32_t*: wait until it is args[1] */
};

enum {
  STUB_MAY_FAIL = 1, /* a failure is a result like any other */
  STUB_EXPECT = 2,   /* the result must be `expected`; anything else is a failure */
  STUB_FIRST_AT =
      4 /* args[0] is where the first argument lies: what an earlier call has put there */
};

struct StubCall {
  int64_t number;
  uint64_t args[6];
  int64_t result;
  int64_t expected;
  uint32_t flags;
  uint32_t tag; /* which resource asked for it: an index into the planner's list of names */
};

enum { STUB_STAGES = 8, STUB_KEEPERS = 8 };

struct StubKeptIds {
  uint32_t count;
  struct {
    uint32_t keeper, id;
  } each[STUB_KEEPERS];
};

/* One page shared by everyone who takes part in a restore, and the harness. */
struct StubControl {
  uint32_t stage;    /* futex: stages up to this one may be passed */
  uint32_t progress; /* futex: counts arrivals that complete a stage, and failures */
  uint32_t arrived[STUB_STAGES];
  uint32_t expected[STUB_STAGES];
  uint32_t failed; /* 0: nobody; 1: being written; 2: the fields below are valid */
  int32_t failed_tid;
  uint32_t failed_tag;
  uint32_t failed_index;
  int64_t failed_number;
  int64_t failed_result;
  uint64_t failed_args[6];
  char failed_text[512]; /* for failures before the stub, told in words */
  /* Who may not choose an id in some pid namespace takes its turn, tells the keeper there which it
   * wants (restore/id_keeper.h), and makes its child when the keeper has seen to it that this is
   * the next. */
  uint32_t id_turn; /* futex: somebody has it */
  struct {
    uint32_t wanted; /* futex */
    uint32_t next;   /* futex: what the keeper has set */
    uint32_t stands; /* futex: it is there */
    uint64_t pid;    /* its own, as its maker sees it, who waits for it in the end */
  } keepers[STUB_KEEPERS];
};

/* One thread's work. */
struct StubTask {
  struct StubCall* calls;
  uint32_t count;
  uint32_t next;               /* how far it has come */
  struct StubControl* control; /* may be null in a capture */
  uint64_t stack_top;
  int32_t tid;
  uint32_t finished;
};

#ifdef __cplusplus
/* The code itself, position independent; its first byte is the entry: void entry(StubTask*). */
extern const unsigned char appshot_stub_begin[];
extern const unsigned char appshot_stub_end[];
}
#endif

#endif
