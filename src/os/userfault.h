// userfaultfd: memory of another process that is brought in when it is touched. The process makes
// the descriptor itself; whoever has a copy of it serves.
//
// When the last copy of a descriptor is closed, what is still missing reads as zeros: whoever holds
// one keeps it until nothing is missing, or nobody is left to read.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

class Userfault {
 public:
  // Whether this process may take part, with all events that are needed.
  static Result<> try_here();
  // A descriptor on which nothing has been asked yet: asks for all events.
  static Result<Userfault> begin(UniqueFd fd);

  // As an event of its parent brought it.
  static Userfault of_child(UniqueFd fd) { return Userfault(std::move(fd)); }

  // Only anonymous memory can be watched. Touching a page that is not there waits for us from now
  // on; those that are there stay as they are.
  Result<> watch(uint64_t start, uint64_t length) const;

  struct Event {
    enum class Kind {
      fault,   // `start`: the page
      fork,    // `child`: of the process's new child
      moved,   // mremap: [start, end) lies at `to` now
      removed  // [start, end): gives up what was there, or (`unmapped`) the place itself
    };
    Kind kind;
    uint64_t start = 0, end = 0, to = 0;
    bool unmapped = false;
    std::optional<UniqueFd> child = {};
  };
  // None when nothing waits.
  Result<std::optional<Event>> next() const;

  enum class Put {
    done,      // it is there now; pages that were there already are left as they are
    changing,  // the process is just changing its map: read its events, then try again
    unmapped,  // nothing of ours is mapped at the first place that was not done
    gone       // the process has ended, or runs another program
  };
  // Both wake whoever waits for these pages.
  Result<Put> copy(uint64_t to, const char* from, uint64_t length) const;
  Result<Put> zero(uint64_t page) const;
  // Makes whoever waits there try again.
  void wake(uint64_t page) const;

  // The process has ended, or runs another program. Nothing tells of that by itself.
  bool is_gone() const;

  int fd() const { return fd_.get(); }

 private:
  explicit Userfault(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<Put> copy_within_one_mapping(uint64_t& to, const char*& from, uint64_t& length) const;

  UniqueFd fd_;
};

}  // namespace appshot
