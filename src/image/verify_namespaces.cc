#include "image/verify_namespaces.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "image/verify_mounts.h"
#include "image/verify_words.h"

namespace appshot::image {
namespace {

constexpr std::string_view kMade[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
constexpr size_t kHostNameMax = 64;
constexpr size_t kRangesMax = 340;  // what the kernel takes
constexpr int kPidMax = 1 << 22;

// What it was made in, and whose it is, was told before.
Result<> relatives(const ImageT& image, size_t index) {
  const NamespaceT& space = *image.namespaces[index];
  const bool has_parent = space.kind == "pid" || space.kind == "user";
  if (space.parent != -1 && (!has_parent || !inside(space.parent, index)))
    return wrong("what a namespace was made in");
  if (space.owner != -1 && (space.kind == "user" || !inside(space.owner, index)))
    return wrong("whose a namespace is");
  TRY(verify_space(image, space.parent, space.kind));
  return verify_space(image, space.owner, "user");
}

Result<> ranges(const std::vector<IdRange>& ranges) {
  if (ranges.size() > kRangesMax) return wrong("the ids of a user namespace");
  for (const IdRange& range : ranges)
    if (range.count() == 0 || range.inside() + (range.count() - 1) < range.inside() ||
        range.outside() + (range.count() - 1) < range.outside())
      return wrong("the ids of a user namespace");
  return {};
}

// The ids of everything that lives in pid namespaces of the application's own.
class Ids {
 public:
  explicit Ids(const ImageT& image) : image_(image) {}

  Result<> of(const ProcessT& process) {
    int space = -1;
    for (int index : process.namespaces)
      if (image_.namespaces[static_cast<size_t>(index)]->kind == "pid") space = index;
    TRY(fit(space, process.nested_ids, 1));
    TRY(fit(space, process.nested_groups, 0));
    TRY(fit(space, process.nested_sessions, 0));
    if (space >= 0) TRY(lives_in(space, process));
    TRY(are_own(space, process.nested_ids));
    for (size_t i = 0; i < process.threads.size(); ++i) {
      TRY(fit(space, process.threads[i]->nested_ids, 1));
      const bool leads = process.threads[i]->tid == process.pid;
      if (!leads) TRY(are_own(space, process.threads[i]->nested_ids));
      if (leads && process.threads[i]->nested_ids != process.nested_ids)
        return wrong("the ids of its first thread");
    }
    return {};
  }

  bool is_lived_in(int space) const { return first_.count(space) != 0; }

 private:
  int parent(int space) const { return image_.namespaces[static_cast<size_t>(space)]->parent; }

  Result<> fit(int space, const std::vector<int>& ids, int least) const {
    size_t depth = 0;
    for (; space >= 0; space = parent(space)) ++depth;
    if (ids.size() != depth) return wrong("its ids in namespaces");
    for (int id : ids)
      if (id < least || id > kPidMax) return wrong("its ids in namespaces");
    return {};
  }

  // Nobody is born where the first has not been, nor after it has ended.
  Result<> lives_in(int space, const ProcessT& process) {
    if (process.nested_ids.back() == 1) first_.insert(space);
    if (first_.count(space) == 0) return wrong("a pid namespace without its first process");
    return {};
  }

  Result<> are_own(int space, const std::vector<int>& ids) {
    for (auto id = ids.rbegin(); id != ids.rend(); ++id, space = parent(space))
      if (!taken_.insert({space, *id}).second) return wrong("its ids in namespaces");
    return {};
  }

  const ImageT& image_;
  std::set<std::pair<int, int>> taken_;
  std::set<int> first_;
};

}  // namespace

Result<> verify_namespaces(const ImageT& image) {
  for (size_t i = 0; i < image.namespaces.size(); ++i) {
    const NamespaceT& space = *image.namespaces[i];
    if (std::ranges::find(kMade, space.kind) == std::end(kMade) ||
        space.host_name.size() > kHostNameMax || space.domain_name.size() > kHostNameMax ||
        (space.kind == "time" && (!space.monotonic_ahead || !space.boottime_ahead)))
      return wrong("a namespace");
    TRY(relatives(image, i));
    TRY(ranges(space.users));
    TRY(ranges(space.groups));
  }
  return {};
}

Result<> verify_ids_in_namespaces(const ImageT& image) {
  Ids ids(image);
  for (const auto& process : image.processes)
    TRY(ids.of(*process).within("process " + std::to_string(process->pid)));
  for (const auto& process : image.processes)
    TRY(verify_space(image, process->space_of_children, "pid"));
  for (const auto& system : image.file_systems) {
    TRY(verify_space(image, system->processes_of, "pid"));
    if (system->processes_of != -1 && (system->type != "proc" || !system->place.empty() ||
                                       !ids.is_lived_in(system->processes_of)))
      return wrong("the processes that a file system shows");
  }
  return {};
}

}  // namespace appshot::image
