// One page that a pager, its guard and the harness share: how far it has come.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

// What is brought in besides what is asked for.
enum class StreamPace : uint32_t {
  none,    // nothing yet: others have more urgent things to do
  spare,   // with the time that the application leaves
  hurried  // somebody waits for the end
};

struct PagerPage {
  std::atomic<uint64_t> total{0};    // bytes that were to be brought in, since the beginning
  std::atomic<uint64_t> missing{0};  // of these
  std::atomic<uint32_t> pace{0};     // futex: a StreamPace
  std::atomic<uint32_t> over{0};     // nobody can read zeros any more: all is in, or all is ended
};

// A mapping of it, which processes that are forked share.
class SharedPagerPage {
 public:
  static Result<SharedPagerPage> make();
  static Result<SharedPagerPage> open(UniqueFd fd);
  SharedPagerPage(SharedPagerPage&& other) noexcept
      : fd_(std::move(other.fd_)), page_(std::exchange(other.page_, nullptr)) {}
  SharedPagerPage& operator=(SharedPagerPage&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(page_, other.page_);
    return *this;
  }
  ~SharedPagerPage();

  PagerPage* operator->() const { return page_; }
  PagerPage& operator*() const { return *page_; }
  int fd() const { return fd_.get(); }

  StreamPace pace() const { return static_cast<StreamPace>(page_->pace.load()); }
  void set_pace(StreamPace pace) const;  // never back
  void wait_for(StreamPace at_least) const;

 private:
  SharedPagerPage(UniqueFd fd, PagerPage* page) : fd_(std::move(fd)), page_(page) {}
  UniqueFd fd_;
  PagerPage* page_;
};

}  // namespace appshot
