#include "node/reactor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>

namespace appshot {

Result<std::unique_ptr<Reactor>> Reactor::start() {
  UniqueFd epoll(TRY_SYS(::epoll_create1(EPOLL_CLOEXEC)));
  UniqueFd stop(TRY_SYS(::eventfd(0, EFD_CLOEXEC)));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = stop.get();
  TRY_SYS(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, stop.get(), &event));
  std::unique_ptr<Reactor> reactor(new Reactor(std::move(epoll), std::move(stop)));
  reactor->thread_ = std::thread([raw = reactor.get()] { raw->run(); });
  return reactor;
}

Reactor::~Reactor() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

Result<> Reactor::watch(std::shared_ptr<Watcher> watcher) {
  int fd = watcher->fd();
  std::lock_guard lock(mutex_);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  TRY_SYS(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event));
  watchers_[fd] = std::move(watcher);
  return {};
}

void Reactor::run() {
  std::array<epoll_event, 32> events;
  for (;;) {
    int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == stop_.get()) return;
      serve(fd);
    }
  }
}

void Reactor::serve(int fd) {
  std::shared_ptr<Watcher> watcher;
  {
    std::lock_guard lock(mutex_);
    auto found = watchers_.find(fd);
    if (found == watchers_.end()) return;
    watcher = found->second;
  }
  if (watcher->readable()) return;
  std::lock_guard lock(mutex_);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  watchers_.erase(fd);
}

}  // namespace appshot
