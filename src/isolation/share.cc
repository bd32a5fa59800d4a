#include "isolation/share.h"

#include <sched.h>

namespace appshot {

Result<Share> Share::from_names(const std::vector<std::string>& names) {
  Share share;
  for (const std::string& name : names) {
    if (name == "fs")
      share.fs = true;
    else if (name == "net")
      share.net = true;
    else if (name == "ipc")
      share.ipc = true;
    else if (name == "uts")
      share.uts = true;
    else if (name == "time")
      share.time = true;
    else
      return Error(ErrorClass::usage, "there is no kind of isolation called '" + name + "'")
          .hint("--share takes fs, net, ipc, uts or time");
  }
  return share;
}

std::vector<std::string> Share::names() const {
  std::vector<std::string> names;
  if (fs) names.push_back("fs");
  if (net) names.push_back("net");
  if (ipc) names.push_back("ipc");
  if (uts) names.push_back("uts");
  if (time) names.push_back("time");
  return names;
}

uint64_t Share::namespaces() const {
  uint64_t flags = CLONE_NEWPID | CLONE_NEWNS;
  if (!ipc) flags |= CLONE_NEWIPC;
  if (!uts) flags |= CLONE_NEWUTS;
  return flags;
}

}  // namespace appshot
