// Keys of the kernel (add_key, keyctl) that only the application has: of a thread, a process or a
// session. Their content may be something that nobody can read back, so who has any is refused. An
// instance begins with a session of its own in which there are none (os/session_keyring); keys of
// users are the machine's.
#pragma once

#include "resources/obstacles.h"
#include "resources/process_source.h"
#include "trace/call_list.h"

namespace appshot::keys {

// Of each thread.
class Questions {
 public:
  void ask(CallList& calls, DataSpace& data);
  void collect(const CallList& calls, const DataSpace& data, const ProcessSource& source,
               Obstacles& obstacles) const;

 private:
  static constexpr size_t kAtMost = 16;  // of a session; more are too many to be told apart
  bool session_has_own(const CallList& calls, const DataSpace& data) const;

  size_t of_thread_ = 0, of_process_ = 0, of_session_ = 0, user_ = 0;
  uint64_t session_keys_ = 0;
};

}  // namespace appshot::keys
