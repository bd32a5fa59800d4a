// Work that nobody waits for: removing folders, adopting instances.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace appshot {

// Threads: any. Lifetime: the destructor waits until all work is done.
class Background {
 public:
  ~Background();
  void run(std::function<void()> work);
  // Not before so much time has passed; not at all when the end comes first.
  void run_later(std::chrono::milliseconds delay, std::function<void()> work);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int running_ = 0;
  bool ending_ = false;
};

}  // namespace appshot
