#include "resources/files/close_on_exec.h"

#include <fcntl.h>
#include <sys/syscall.h>

namespace appshot::files {
namespace {

constexpr size_t kAtOnce = 64;

}  // namespace

Result<std::vector<CloseOnExecQuestion>> CloseOnExecQuestion::all_of(
    const ProcessSource& process, const image::ProcessT& record) {
  std::vector<CloseOnExecQuestion> questions;
  for (size_t i = 0; i < record.descriptors.size(); ++i) {
    const image::DescriptorT& descriptor = *record.descriptors[i];
    if (!descriptor.close_on_exec) continue;
    const UniqueFd copy = TRY(process.pidfd.take_copy(descriptor.fd));
    if ((TRY_SYS(::fcntl(copy.get(), F_GETFL)) & O_CLOEXEC) == 0) continue;
    if (questions.empty() || questions.back().doubts_.size() == kAtOnce) questions.emplace_back();
    questions.back().doubts_.push_back({i, descriptor.fd});
  }
  return questions;
}

void CloseOnExecQuestion::ask(CallList& calls) {
  for (Doubt& doubt : doubts_) doubt.call = calls.add(SYS_fcntl, doubt.fd, F_GETFD);
}

void CloseOnExecQuestion::collect(const CallList& calls, image::ProcessT& record) const {
  for (const Doubt& doubt : doubts_)
    record.descriptors[doubt.index]->close_on_exec = (calls.result(doubt.call) & FD_CLOEXEC) != 0;
}

}  // namespace appshot::files
