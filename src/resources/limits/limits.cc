#include "resources/limits/limits.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <charconv>

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

// The first word, which it takes away. Every process's limits are read: without streams, which cost
// more than the reading.
uint64_t take_value(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  uint64_t value = RLIM_INFINITY;
  if (word != "unlimited") std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

const Name* name_at(std::string_view line) {
  for (const Name& name : kNames)
    if (line.starts_with(name.text)) return &name;
  return nullptr;
}

}  // namespace

std::vector<std::unique_ptr<image::LimitT>> parse(std::string_view text) {
  std::vector<std::unique_ptr<image::LimitT>> limits;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const Name* name = name_at(line);
    if (name == nullptr || line.size() <= kNameColumn) continue;
    line.remove_prefix(kNameColumn);
    auto limit = std::make_unique<image::LimitT>();
    limit->resource = name->resource;
    limit->soft = take_value(line);
    limit->hard = take_value(line);
    limits.push_back(std::move(limit));
  }
  return limits;
}

void find_differences(const image::ImageT& image, std::vector<Obstacle>& differences) {
  if (::prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE, 0, 0, 0) == 1) return;  // may raise any
  for (const Name& name : kNames) {
    rlimit here{};
    if (::getrlimit(static_cast<__rlimit_resource_t>(name.resource), &here) != 0) continue;
    for (const auto& process : image.processes)
      for (const auto& limit : process->limits)
        if (limit->resource == name.resource && limit->hard > here.rlim_max)
          differences.push_back(
              {"process " + std::to_string(process->pid) + " had a hard limit '" + name.text +
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
