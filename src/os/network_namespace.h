// Doing something in another network namespace: sockets stay in the one they are made in.
#pragma once

#include <fcntl.h>
#include <sched.h>

#include "base/check.h"
#include "base/result.h"
#include "os/file.h"

namespace appshot {

// `body` runs on this thread, in the namespace of that descriptor.
template <typename Body>
auto in_namespace(int there, Body body) -> decltype(body()) {
  UniqueFd here = TRY(open_file("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  TRY_SYS(::setns(there, CLONE_NEWNET));
  auto result = body();
  // Nothing can be done in the wrong namespace.
  CHECK(::setns(here.get(), CLONE_NEWNET) == 0);
  return result;
}

}  // namespace appshot
