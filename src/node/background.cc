#include "node/background.h"

#include <thread>

namespace appshot {

Background::~Background() {
  std::unique_lock lock(mutex_);
  ending_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return running_ == 0; });
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
    changed_.notify_all();
  }).detach();
}

void Background::run_later(std::chrono::milliseconds delay, std::function<void()> work) {
  run([this, delay, work = std::move(work)] {
    {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, delay, [&] { return ending_; })) return;
    }
    work();
  });
}

}  // namespace appshot
