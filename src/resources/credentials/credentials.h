// Who a thread is: ids, groups, the five capability sets, securebits, no_new_privs.
#pragma once

#include <memory>
#include <optional>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/proc/process_dir.h"
#include "trace/call_list.h"

namespace appshot::credentials {

// `status`: of the thread. The rest is seen by nobody else.
std::unique_ptr<image::CredentialsT> describe(const proc::Fields& status, uint32_t securebits);

class Questions {
 public:
  void ask(CallList& calls);
  std::unique_ptr<image::CredentialsT> collect(const CallList& calls,
                                               const proc::Fields& thread_status) const;

 private:
  size_t securebits_ = 0;
};

void plan(const image::CredentialsT& credentials, CallList& calls, DataSpace& data);
// Its two halves: who it is, in terms of the user namespace it is in by then, and what it may do.
// Groups stay as they are where they may not be changed.
void plan_ids(const image::CredentialsT& credentials, bool groups_denied, CallList& calls,
              DataSpace& data);
void plan_rights(const image::CredentialsT& credentials, CallList& calls, DataSpace& data);

// The same, as that user namespace calls its ids; nothing: it has no names for them.
std::optional<image::CredentialsT> seen_in(const image::NamespaceT& users,
                                           const image::CredentialsT& credentials);
// Who has entered it as one may become another there, in this way; nothing: it may not.
struct Change {
  image::CredentialsT ids;  // as they are called there
  bool groups_too;
};
std::optional<Change> change_in(const image::NamespaceT& users, const image::CredentialsT& from,
                                const image::CredentialsT& to);
// By who will enter that user namespace and make the process there: what it could not change then.
Result<> become_before_entering_child(const image::ProcessT& process,
                                      const image::NamespaceT& users);

}  // namespace appshot::credentials
