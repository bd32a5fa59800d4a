#include "resources/limits/limits.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cstdlib>
#include <sstream>

namespace appshot::limits {
namespace {

struct Name {
  const char* text;
  int resource;
};
constexpr Name kNames[] = {{"Max cpu time", RLIMIT_CPU},
                           {"Max file size", RLIMIT_FSIZE},
                           {"Max data size", RLIMIT_DATA},
                           {"Max stack size", RLIMIT_STACK},
                           {"Max core file size", RLIMIT_CORE},
                           {"Max resident set", RLIMIT_RSS},
                           {"Max processes", RLIMIT_NPROC},
                           {"Max open files", RLIMIT_NOFILE},
                           {"Max locked memory", RLIMIT_MEMLOCK},
                           {"Max address space", RLIMIT_AS},
                           {"Max file locks", RLIMIT_LOCKS},
                           {"Max pending signals", RLIMIT_SIGPENDING},
                           {"Max msgqueue size", RLIMIT_MSGQUEUE},
                           {"Max nice priority", RLIMIT_NICE},
                           {"Max realtime priority", RLIMIT_RTPRIO},
                           {"Max realtime timeout", RLIMIT_RTTIME}};
constexpr size_t kNameColumn = 26;

uint64_t value_of(const std::string& text) {
  return text == "unlimited" ? RLIM_INFINITY : std::strtoull(text.c_str(), nullptr, 10);
}

}  // namespace

std::vector<std::unique_ptr<image::LimitT>> parse(std::string_view text) {
  std::vector<std::unique_ptr<image::LimitT>> limits;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    for (const Name& name : kNames) {
      if (!line.starts_with(name.text) || line.size() <= kNameColumn) continue;
      std::istringstream values(line.substr(kNameColumn));
      std::string soft, hard;
      values >> soft >> hard;
      auto limit = std::make_unique<image::LimitT>();
      limit->resource = name.resource;
      limit->soft = value_of(soft);
      limit->hard = value_of(hard);
      limits.push_back(std::move(limit));
    }
  }
  return limits;
}

void find_differences(const image::ProcessT& process, std::vector<Obstacle>& differences) {
  bool may_raise = ::prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE, 0, 0, 0) == 1;
  for (const auto& limit : process.limits) {
    rlimit here{};
    if (::getrlimit(static_cast<__rlimit_resource_t>(limit->resource), &here) != 0) continue;
    if (may_raise || limit->hard <= here.rlim_max) continue;
    for (const Name& name : kNames)
      if (name.resource == limit->resource)
        differences.push_back(
            {"process " + std::to_string(process.pid) + " had a hard limit '" + name.text +
                 "' of " + std::to_string(limit->hard) + ", here at most " +
                 std::to_string(here.rlim_max) + " can be given",
             "start appshotd with a higher limit (ulimit -H, or Limit… in its unit)"});
  }
}

void plan(const image::ProcessT& process, CallList& calls, DataSpace& data) {
  for (const auto& limit : process.limits) {
    rlimit value{limit->soft, limit->hard};
    calls.add(SYS_prlimit64, 0, limit->resource, data.put(value), 0);
  }
}

}  // namespace appshot::limits
