#include "resources/children/continued.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>

namespace appshot::children {
namespace {

constexpr int kLookOnly = WCONTINUED | WNOHANG | WNOWAIT | __WALL;

bool has_continued(int64_t result, const char* info) {
  siginfo_t told;
  std::memcpy(&told, info, sizeof told);
  return result == 0 && told.si_pid != 0;
}

}  // namespace

void AnyContinued::ask(CallList& calls, DataSpace& data) {
  info_ = data.reserve(sizeof(siginfo_t));
  call_ = calls.add_may_fail(SYS_waitid, P_ALL, 0, info_, kLookOnly, 0);  // most have no children
}

bool AnyContinued::collect(const CallList& calls, const DataSpace& data) const {
  return has_continued(calls.result(call_), data.here(info_));
}

void WhichContinued::ask(std::span<const Asked> children, CallList& calls, DataSpace& data) {
  for (const Asked& child : children) {
    const uint64_t info = data.reserve(sizeof(siginfo_t));
    children_.push_back(
        {child.id, info,
         calls.add_may_fail(SYS_waitid, P_PID, child.seen_as.value, info, kLookOnly, 0)});
  }
}

void WhichContinued::collect(const CallList& calls, const DataSpace& data,
                             image::ProcessT& parent) const {
  for (const Child& child : children_)
    if (has_continued(calls.result(child.call), data.here(child.info)))
      parent.continued_children.push_back(child.id.value);
}

Result<> stop_and_continue_child(const PidSpaces& spaces, const image::ProcessT& parent) {
  for (int id : parent.continued_children) {
    const int child = spaces.seen_by(parent, id);
    TRY_SYS(::kill(child, SIGSTOP));
    siginfo_t info;
    TRY_SYS(::waitid(P_PID, static_cast<id_t>(child), &info, WSTOPPED | __WALL));
    TRY_SYS(::kill(child, SIGCONT));
  }
  return {};
}

Result<> discard_continuation_child(const image::ImageT& image, const image::ProcessT& child) {
  auto is_parent = [&](const auto& process) {
    const auto& continued = process->continued_children;
    return std::find(continued.begin(), continued.end(), child.pid) != continued.end();
  };
  if (std::none_of(image.processes.begin(), image.processes.end(), is_parent)) return {};
  // Ignoring a signal throws away what is pending of it.
  for (auto action : {SIG_IGN, SIG_DFL})
    if (::signal(SIGCONT, action) == SIG_ERR) return Error::from_errno(errno, "signal(SIGCONT)");
  return {};
}

}  // namespace appshot::children
