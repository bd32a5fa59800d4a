#include "os/kernel_aio.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/deadline.h"
#include "os/unique_fd.h"

namespace appshot {
namespace {

class KernelAio : public testing::Test {
 protected:
  void SetUp() override {
    Result<KernelView> kernel = KernelView::open(nullptr);
    if (!kernel) GTEST_SKIP() << kernel.error().message();
    kernel_.emplace(std::move(*kernel));
    ASSERT_EQ(::syscall(SYS_io_setup, 9, &context_), 0);
    memory_.reset(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  }
  void TearDown() override {
    if (context_ != 0) ::syscall(SYS_io_destroy, context_);
  }
  AioContext seen() {
    const std::vector<AioContext> all = aio_contexts(*kernel_, memory_.get()).value();
    const auto found = std::ranges::find(all, context_, &AioContext::address);
    EXPECT_NE(found, all.end());
    return found == all.end() ? AioContext() : *found;
  }
  void submit(iocb& request) {
    iocb* one = &request;
    ASSERT_EQ(::syscall(SYS_io_submit, context_, 1, &one), 1);
  }
  void take_one() {
    io_event event;
    ASSERT_EQ(::syscall(SYS_io_getevents, context_, 1, 1, &event, nullptr), 1);
  }

  std::optional<KernelView> kernel_;
  aio_context_t context_ = 0;
  UniqueFd memory_;
};

TEST_F(KernelAio, TellsForHowManyAContextWasMade) {
  EXPECT_EQ(seen().wanted, 9U);
  EXPECT_EQ(seen().in_flight, 0U);
}

TEST_F(KernelAio, CountsWhatHasNotEnded) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]), write_end(ends[1]);
  iocb request{};
  request.aio_lio_opcode = IOCB_CMD_POLL;
  request.aio_fildes = static_cast<uint32_t>(read_end.get());
  request.aio_buf = POLLIN;
  submit(request);
  EXPECT_EQ(seen().in_flight, 1U);
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);
  const Deadline deadline = Deadline::in(std::chrono::seconds(5));
  while (seen().in_flight != 0 && !deadline.passed()) ::poll(nullptr, 0, 1);
  EXPECT_EQ(seen().in_flight, 0U);
  take_one();
  EXPECT_EQ(seen().in_flight, 0U);
  for (int i = 0; i < 1000; ++i) {
    submit(request);
    take_one();
  }
  EXPECT_EQ(seen().in_flight, 0U);
}

}  // namespace
}  // namespace appshot
