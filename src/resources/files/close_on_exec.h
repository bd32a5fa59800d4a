// Whether a descriptor is closed by exec. fdinfo tells it together with the file's own flags, among
// which some ways of opening (TIOCGPTPEER, mq_open) leave O_CLOEXEC for good: then only the process
// itself can say.
#pragma once

#include <vector>

#include "image/schema/values.h"
#include "resources/process_source.h"
#include "trace/call_list.h"

namespace appshot::files {

class CloseOnExecQuestion {
 public:
  // For every descriptor of which it is in doubt; as many as one list of calls holds at once.
  static Result<std::vector<CloseOnExecQuestion>> all_of(const ProcessSource& process,
                                                         const image::ProcessT& record);

  void ask(CallList& calls);
  void collect(const CallList& calls, image::ProcessT& record) const;

 private:
  struct Doubt {
    size_t index;  // of the record's descriptors
    int fd;
    size_t call = 0;
  };
  std::vector<Doubt> doubts_;
};

}  // namespace appshot::files
