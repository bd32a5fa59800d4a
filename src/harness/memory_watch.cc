#include "harness/memory_watch.h"

#include <unistd.h>

namespace appshot {
namespace {

constexpr std::chrono::seconds kLooksMax{2};
constexpr int kBetweenLooksMs = 10;
constexpr int kNever = -1;

}  // namespace

Result<MemoryWatch> MemoryWatch::begin(const LimitedGroups& groups) {
  MemoryWatch watch;
  watch.event_ = TRY(groups.watch_memory());
  watch.told_ = groups.memory_kills();
  return watch;
}

void MemoryWatch::expect_news() {
  // Read, so that it does not tell the same again: the count of an eventfd, or all of a file.
  char taken[4096];
  ::lseek(event_.get(), 0, SEEK_SET);
  (void)!::read(event_.get(), taken, sizeof taken);
  looks_until_ = Deadline::in(kLooksMax);
}

int MemoryWatch::next_look_ms() const { return looks_until_ ? kBetweenLooksMs : kNever; }

int64_t MemoryWatch::news(const LimitedGroups& groups) {
  if (!event_) return 0;
  const int64_t ended = groups.memory_kills() - told_;
  told_ += ended;
  if (ended > 0 || (looks_until_ && looks_until_->passed())) looks_until_.reset();
  return ended;
}

}  // namespace appshot
