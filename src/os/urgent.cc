#include "os/urgent.h"

#include <sched.h>

#include <cstdio>
#include <string>
#include <thread>

#include "os/file.h"

namespace appshot {
namespace {

// As of now, who asks among them. With one more than there are processors the kernel still finds
// turns for everybody sooner when all are alike.
bool others_wait() {
  const std::string load = read_file("/proc/loadavg").value_or("");
  unsigned running = 0;
  return std::sscanf(load.c_str(), "%*s %*s %*s %u/", &running) == 1 &&
         running > std::thread::hardware_concurrency() + 1;
}

}  // namespace

Urgent::Urgent() {
  if (::sched_getscheduler(0) != SCHED_OTHER || !others_wait()) return;
  sched_param lowest{};
  lowest.sched_priority = ::sched_get_priority_min(SCHED_RR);
  set_ = ::sched_setscheduler(0, SCHED_RR, &lowest) == 0;
}

Urgent::~Urgent() {
  const sched_param none{};
  if (set_) ::sched_setscheduler(0, SCHED_OTHER, &none);
}

}  // namespace appshot
