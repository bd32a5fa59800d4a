// The instance's own terminal as its processes hold it: /dev/pts/N, and /dev/tty for a process
// whose controlling terminal it is.
#pragma once

#include "resources/file_kind.h"

namespace appshot::terminals {

class Terminal : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::Terminal; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
  Result<UniqueFd> reopen_child(const RestoreContext& context,
                                const image::OpenFileT& file) const override;
};

// The terminal's own state: settings, window size, who its session and foreground group are.
Result<> capture_state(CaptureContext& context, const std::vector<ProcessSource>& processes);
Result<> restore_state(const RestoreContext& context, int master);

// By the session leader whose terminal it was: makes it the controlling one again.
Result<> take_as_controlling_child(const RestoreContext& context, const image::ProcessT& process);
// By the leader, once all groups exist.
Result<> set_foreground_child(const RestoreContext& context, const image::ProcessT& process);

}  // namespace appshot::terminals
