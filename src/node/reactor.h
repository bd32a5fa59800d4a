// One thread that waits for all harness connections at once.
//
// Threads: watch() from any; a watcher's readable() runs in the reactor's thread and must not wait
// for anything that the reactor itself delivers. Lifetime: the destructor ends the thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual int fd() const = 0;
  // There is something to read, or the other end is gone. False: watch no longer.
  virtual bool readable() = 0;
};

class Reactor {
 public:
  static Result<std::unique_ptr<Reactor>> start();
  ~Reactor();
  Result<> watch(std::shared_ptr<Watcher> watcher);

 private:
  Reactor(UniqueFd epoll, UniqueFd stop) : epoll_(std::move(epoll)), stop_(std::move(stop)) {}
  void run();
  void serve(int fd);

  UniqueFd epoll_;
  UniqueFd stop_;
  std::mutex mutex_;
  std::map<int, std::shared_ptr<Watcher>> watchers_;
  std::thread thread_;
};

}  // namespace appshot
