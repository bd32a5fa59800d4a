// Open files that can be made only when all processes and threads exist: files of /proc about them,
// and pidfds. The first holder of each opens it with the calls of its script; the others then take
// theirs from it, so that what was one open file is one again.
#pragma once

#include <map>
#include <set>

#include "image/schema/values.h"
#include "resources/pid_spaces.h"
#include "trace/call_list.h"

namespace appshot {

class LateFiles {
 public:
  // `proc`: the number at which a process that opens some has /proc.
  LateFiles(const image::ImageT& image, int proc);

  int proc() const { return proc_; }
  // Whether the process must have /proc at that number; it closes it when it has opened its files.
  bool needs_proc(const image::ProcessT& process) const;

  bool is_late(const image::DescriptorT& descriptor) const {
    return first_holder(descriptor) != nullptr;
  }

  // When all exist.
  void plan_open(const PidSpaces& spaces, const image::ProcessT& process, CallList& calls,
                 DataSpace& data) const;
  // When all have opened theirs.
  void plan_take(const PidSpaces& spaces, const image::ProcessT& process, CallList& calls) const;

 private:
  struct Holder {
    int pid;
    int fd;
  };
  const image::OpenFileT& file_of(const image::DescriptorT& descriptor) const;
  const Holder* first_holder(const image::DescriptorT& descriptor) const;
  std::set<int> numbers_in_use(const image::ProcessT& process) const;

  const image::ImageT& image_;
  const int proc_;
  std::map<int, Holder> first_holders_;  // by Image.open_files
};

// Its own folder is one of /proc about a process, and so comes late too.
bool stands_in_process_folder(const image::ProcessT& process);

}  // namespace appshot
