// Children that were stopped and go on again, of which their parent has not been told by wait
// (WCONTINUED). Only the parent can see it, by asking in a way that leaves it to be told; and only
// a real stop brings it about.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/pids.h"
#include "resources/pid_spaces.h"
#include "trace/call_list.h"

namespace appshot::children {

// Asked of the parent, all children at once: nearly always there is none.
class AnyContinued {
 public:
  void ask(CallList& calls, DataSpace& data);
  bool collect(const CallList& calls, const DataSpace& data) const;

 private:
  uint64_t info_ = 0;
  size_t call_ = 0;
};

// One child after the other, where there is any.
class WhichContinued {
 public:
  // A child, and what its parent calls it.
  struct Asked {
    VirtualPid id, seen_as;
  };
  void ask(std::span<const Asked> children, CallList& calls, DataSpace& data);
  void collect(const CallList& calls, const DataSpace& data, image::ProcessT& parent) const;

 private:
  struct Child {
    VirtualPid id;
    uint64_t info;
    size_t call;
  };
  std::vector<Child> children_;
};

// By the parent, when all its children exist and none of them has signal actions of its own yet.
// The signals that both get by it are blocked, and thrown away before theirs are put back.
Result<> stop_and_continue_child(const PidSpaces& spaces, const image::ProcessT& parent);
// By such a child, when its parent has done so.
Result<> discard_continuation_child(const image::ImageT& image, const image::ProcessT& child);

}  // namespace appshot::children
