// Contexts for asynchronous input and output in which requests have ended, and nobody has taken the
// news of it: it is taken in its order, by the call and out of the ring.
#include "subject.h"

#include <linux/aio_abi.h>

enum { kBefore = 37, kWaiting = 20, kEvents = 32, kBytes = 64 };

struct ring {
  unsigned id, count, head, tail, magic, compatible, incompatible, length;
  struct io_event events[];
};

static aio_context_t contexts[2];
static int file;
static char bytes[kBytes], into[kWaiting][kBytes];

static void ask_for(aio_context_t context, uint64_t number) {
  struct iocb request = {.aio_data = number,
                         .aio_lio_opcode = IOCB_CMD_PREAD,
                         .aio_fildes = (uint32_t)file,
                         .aio_buf = (uint64_t)into[number % kWaiting],
                         .aio_nbytes = number % kBytes};
  CHECK_EQ(syscall(SYS_io_submit, context, 1, &(struct iocb*){&request}), 1);
}

static void check_event(struct io_event event, uint64_t number) {
  CHECK_EQ(event.data, number);
  CHECK_EQ(event.res, number % kBytes);
}

static void take(aio_context_t context, uint64_t number) {
  struct io_event event;
  CHECK_EQ(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), 1);
  check_event(event, number);
}

int main(void) {
  CHECK_OK(file = memfd_create("read from", 0));
  CHECK_EQ(write(file, bytes, sizeof bytes), sizeof bytes);
  for (int i = 0; i < 2; ++i) {
    CHECK_OK(syscall(SYS_io_setup, kEvents, &contexts[i]));
    for (uint64_t n = 0; n < (uint64_t)kBefore * (uint64_t)(i + 3); ++n)
      ask_for(contexts[i], n), take(contexts[i], n);
    for (uint64_t n = 0; n < kWaiting; ++n) ask_for(contexts[i], 100 + n);
  }
  STEP("ended");
  for (uint64_t n = 0; n < kWaiting; ++n) take(contexts[0], 100 + n);
  struct ring* ring = (struct ring*)contexts[1];
  for (uint64_t n = 0; n < kWaiting; ++n) {
    CHECK(ring->head != ring->tail);
    check_event(ring->events[ring->head], 100 + n);
    ring->head = (ring->head + 1) % ring->count;
  }
  CHECK_EQ(ring->head, ring->tail);
  for (int i = 0; i < 2; ++i) {
    for (uint64_t n = 0; n < 200; ++n) ask_for(contexts[i], n), take(contexts[i], n);
    struct io_event event;
    CHECK_EQ(syscall(SYS_io_getevents, contexts[i], 0, 1, &event, &(struct timespec){0}), 0);
    CHECK_OK(syscall(SYS_io_destroy, contexts[i]));
  }
  subject_done();
}
