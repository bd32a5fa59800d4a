// Who a thread is: ids, groups, the five capability sets, securebits, no_new_privs.
#pragma once

#include <memory>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/proc/process_dir.h"
#include "trace/call_list.h"

namespace appshot::credentials {

class Questions {
 public:
  void ask(CallList& calls);
  std::unique_ptr<image::CredentialsT> collect(const CallList& calls,
                                               const proc::Fields& thread_status) const;

 private:
  size_t securebits_ = 0;
};

void plan(const image::CredentialsT& credentials, CallList& calls, DataSpace& data);

}  // namespace appshot::credentials
