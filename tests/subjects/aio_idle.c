// Contexts for asynchronous input and output, in which nothing is under way, after some has been;
// one is waited at, and gets what is asked for then.
#include "subject.h"

#include <linux/aio_abi.h>

enum { kContexts = 3, kEvents = 16 };

static aio_context_t contexts[kContexts];
static int file;
static char bytes[4096];

static void ask_for(aio_context_t context, char* into, uint64_t number) {
  struct iocb request = {.aio_data = number,
                         .aio_lio_opcode = IOCB_CMD_PREAD,
                         .aio_fildes = (uint32_t)file,
                         .aio_buf = (uint64_t)into,
                         .aio_nbytes = sizeof bytes};
  CHECK_EQ(syscall(SYS_io_submit, context, 1, &(struct iocb*){&request}), 1);
}

static void take(aio_context_t context, uint64_t number) {
  struct io_event event;
  CHECK_EQ(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), 1);
  CHECK_EQ(event.data, number);
  CHECK_EQ(event.res, sizeof bytes);
}

static void* waits(void* arg) {
  (void)arg;
  take(contexts[1], 77);
  return NULL;
}

int main(void) {
  struct thread waiter;
  char other[sizeof bytes];
  CHECK_OK(file = memfd_create("read from", 0));
  fill_pattern(bytes, sizeof bytes, 5);
  CHECK_EQ(write(file, bytes, sizeof bytes), sizeof bytes);
  for (int i = 0; i < kContexts; ++i)
    CHECK_OK(syscall(SYS_io_setup, kEvents << (4 * i), &contexts[i]));
  CHECK_OK(syscall(SYS_io_destroy, contexts[0]));
  contexts[0] = 0;
  CHECK_OK(syscall(SYS_io_setup, 1, &contexts[0]));
  for (uint64_t i = 0; i < 100; ++i) {
    ask_for(contexts[i % kContexts], other, i);
    take(contexts[i % kContexts], i);
  }
  thread_start(&waiter, waits, NULL);
  wait_until_blocked(getpid(), waiter.tid, "any");
  STEP("idle");
  wait_until_blocked(getpid(), waiter.tid, "any");
  memset(other, 0, sizeof other);
  ask_for(contexts[1], other, 77);
  thread_join(&waiter);
  CHECK_MEM(other, bytes, sizeof bytes);
  for (uint64_t i = 0; i < 100; ++i) {
    ask_for(contexts[i % kContexts], other, i);
    take(contexts[i % kContexts], i);
  }
  for (int i = 0; i < kContexts; ++i) CHECK_OK(syscall(SYS_io_destroy, contexts[i]));
  CHECK_ERRNO(syscall(SYS_io_destroy, contexts[0]), EINVAL);
  subject_done();
}
