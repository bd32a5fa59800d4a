// Work that nobody waits for: removing folders, adopting instances.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

namespace appshot {

// Threads: any. Lifetime: the destructor waits until all work is done.
class Background {
 public:
  ~Background();
  void run(std::function<void()> work);

 private:
  std::mutex mutex_;
  std::condition_variable idle_;
  int running_ = 0;
};

}  // namespace appshot
