#include "node/background.h"

#include <thread>

namespace appshot {

Background::~Background() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return running_ == 0; });
}

void Background::run(std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    ++running_;
  }
  std::thread([this, work = std::move(work)] {
    work();
    std::lock_guard lock(mutex_);
    --running_;
    idle_.notify_all();
  }).detach();
}

}  // namespace appshot
