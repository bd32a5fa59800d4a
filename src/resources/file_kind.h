// One kind of thing that a descriptor can refer to: how it is recognised, written down and made
// again. A new kind is a folder with one of these, and a line in file_kinds.cc.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/pid_spaces.h"
#include "resources/process_source.h"
#include "resources/restore_context.h"
#include "trace/call_list.h"

namespace appshot {

struct DescriptorRef {
  const InstanceView& instance;
  const ProcessSource& process;
  const DescriptorSource& descriptor;
};

class FileKind {
 public:
  virtual ~FileKind() = default;

  virtual bool recognises(const DescriptorRef& ref) const = 0;
  // A state of it that cannot be captured, in words that follow "descriptor 7 …"; empty: none.
  virtual std::string obstacle(const DescriptorRef&) const { return ""; }
  virtual Result<image::FileKindUnion> capture(CaptureContext& context,
                                               const DescriptorRef& ref) const = 0;

  virtual image::FileKind type() const = 0;
  // A new open file description, made in the instance's init. An empty descriptor: it is made by
  // the process that holds it, in reopen_child.
  virtual Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const = 0;
  virtual Result<UniqueFd> reopen_child(const RestoreContext&, const image::OpenFileT&) const {
    return UniqueFd();
  }

  // Can be opened only when all processes and threads exist, by calls of the process that holds it.
  virtual bool made_late(const image::OpenFileT&) const { return false; }
  // `number` is what the opening call will return; `proc` a descriptor of /proc.
  struct LateOpening {
    int number;
    int proc;
    const PidSpaces& spaces;
    const image::ProcessT& process;  // that opens it
  };
  virtual void plan_open(const image::OpenFileT&, const LateOpening&, CallList&, DataSpace&) const {
  }
};

// nullptr: no kind knows it.
const FileKind* find_file_kind(const DescriptorRef& ref);
const FileKind* find_file_kind(image::FileKind type);

// Why a descriptor that no kind knows cannot be captured, and what can be done.
Obstacle explain_unknown(const DescriptorRef& ref);

// An open file of an image; see made_late().
bool is_made_late(const image::OpenFileT& file);

}  // namespace appshot
