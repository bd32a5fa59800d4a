#include "os/parallel.h"

#include <atomic>
#include <memory>
#include <system_error>
#include <vector>

namespace appshot {
namespace {

// Too many processes or too little memory for another thread is no reason to fail.
std::thread try_thread(const std::function<void()>& work) {
  try {
    return std::thread(work);
  } catch (const std::system_error&) {
    return {};
  }
}

}  // namespace

Alongside::Alongside(std::function<Result<>()> work)
    : work_(std::move(work)), thread_(try_thread([this] { result_ = work_(); })) {}

Alongside::~Alongside() {
  if (thread_.joinable()) thread_.join();
}

Result<> Alongside::finish() {
  if (!thread_.joinable()) return work_();
  thread_.join();
  return std::move(result_);
}

void in_parallel(size_t count, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next{0};
  const std::function<void()> take_turns = [&] {
    for (size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> threads;
  const size_t processors = std::thread::hardware_concurrency();
  for (size_t i = 1; i < std::min(processors, count); ++i)
    threads.push_back(try_thread(take_turns));
  take_turns();
  for (std::thread& thread : threads)
    if (thread.joinable()) thread.join();
}

}  // namespace appshot
