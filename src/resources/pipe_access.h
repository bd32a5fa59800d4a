// Who may open a pipe by a descriptor's name in /proc (/dev/stdout, `sh <(…)`).
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include "base/result.h"

namespace appshot {

template <typename Record>
void note_access(const struct stat& info, Record& record) {
  record.mode = info.st_mode & 07777;
  record.uid = info.st_uid;
  record.gid = info.st_gid;
}

// By any descriptor of it.
template <typename Record>
Result<> give_access(int pipe, const Record& record) {
  TRY_SYS(::fchown(pipe, record.uid, record.gid));
  TRY_SYS(::fchmod(pipe, record.mode));
  return {};
}

}  // namespace appshot
