#include "restore/differences.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <map>
#include <set>

#include "checkpoint/machine.h"
#include "os/file.h"
#include "os/huge_pages.h"
#include "os/proc/maps.h"
#include "resources/file_names.h"
#include "resources/limits/limits.h"

namespace appshot {
namespace {

Error mismatch(const std::vector<Obstacle>& differences) {
  return Error(ErrorClass::mismatch,
               "this machine cannot run the image: " + differences.front().what)
      .hint(differences.front().hint)
      .with_obstacles(differences);
}

std::string change_of(const image::FileNameT& name, const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return "is not there";
  if (static_cast<uint64_t>(info.st_size) != name.size)
    return "has " + std::to_string(info.st_size) + " bytes instead of " + std::to_string(name.size);
  if (!name.build_id.empty()) {
    Result<UniqueFd> fd = open_file(path, O_RDONLY);
    return fd && build_id_of(fd->get()) == name.build_id ? "" : "has another build id";
  }
  bool same_time = name.mtime && info.st_mtim.tv_sec == name.mtime->sec() &&
                   info.st_mtim.tv_nsec == name.mtime->nsec();
  return same_time ? "" : "was changed at another time";
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool has_private_file_of_that_name(const image::ImageT& image, const std::string& path) {
  for (const auto& file : image.private_files)
    if (last_part(file->path) == last_part(path)) return true;
  return false;
}

// `context` is nullptr outside of the instance.
void find_changed_files(const image::ImageT& image, const RestoreContext* context,
                        const TellRead& tell, std::vector<Obstacle>& differences) {
  std::vector<bool> shared(image.mapped_files.size());
  for (const auto& process : image.processes) {
    if (!process->address_space) continue;
    for (const auto& mapping : process->address_space->mappings)
      if (mapping->kind == image::MappingKind::file && mapping->shared)
        shared[static_cast<size_t>(mapping->object)] = true;
  }
  // Of these it is known better than by time.
  std::set<std::pair<int, std::string>> summed;
  for (const auto& file : image.expected_files)
    if (file->sum) summed.insert({file->name->space, file->name->path});
  for (size_t i = 0; i < image.mapped_files.size(); ++i) {
    const image::FileNameT& name = *image.mapped_files[i];
    // What is mapped to be written in common is data: it comes with the image's own files, or is
    // expected.
    if (name.ghost >= 0 || shared[i] || !S_ISREG(name.mode) ||
        summed.contains({name.space, name.path}))
      continue;
    if (context == nullptr && (name.space >= 0 || has_private_file_of_that_name(image, name.path)))
      continue;
    std::string change = change_of(name, context == nullptr ? name.path : context->path_of(name));
    if (!change.empty())
      differences.push_back({"the program file " + name.path + " " + change,
                             "install the same version, or restore where the snapshot was made"});
  }
  find_changed_contents(image, context, tell, differences);
}

// What nothing was promised for (MAP_NORESERVE) takes only what is in it.
uint64_t huge_pages_of(const image::MappingT& mapping) {
  if ((mapping.vm_flags & proc::VmFlag::kNoReserve) == 0)
    return (mapping.end - mapping.start) / mapping.huge_page;
  std::set<uint64_t> touched;
  for (const image::PageRun& run : mapping.pages)
    for (uint64_t at = run.address() / mapping.huge_page * mapping.huge_page;
         at < run.address() + run.length(); at += mapping.huge_page)
      touched.insert(at);
  return touched.size();
}

// That memory may have been promised and is not, or is lacking, a program finds out by dying.
void find_missing_huge_pages(const image::ImageT& image, std::vector<Obstacle>& differences) {
  std::map<uint64_t, uint64_t> needed;  // by size
  for (const auto& memory : image.shared_memory)
    if (memory->huge_page != 0) needed[memory->huge_page] += memory->size / memory->huge_page;
  for (const auto& process : image.processes) {
    if (!process->address_space) continue;
    for (const auto& mapping : process->address_space->mappings)
      if (mapping->huge_page != 0 && mapping->kind == image::MappingKind::anonymous)
        needed[mapping->huge_page] += huge_pages_of(*mapping);
  }
  for (const auto& [size, count] : needed) {
    const uint64_t here = free_huge_pages(size);
    if (count > here)
      differences.push_back(
          {fmt::format("it needs {} huge pages of {} MiB, of which {} are free here", count,
                       size >> 20, here),
           "set more aside: sysctl vm.nr_hugepages"});
  }
}

}  // namespace

Result<> refuse_differences(const image::ImageT& image, const TellRead& tell) {
  std::vector<Obstacle> differences;
  auto here = TRY(describe_machine());
  find_machine_differences(*image.machine, *here, differences);
  limits::find_differences(image, differences);
  find_missing_huge_pages(image, differences);
  if (differences.empty()) return {};
  // There will be no look from inside: what can be seen from here is told as well.
  find_changed_files(image, nullptr, tell, differences);
  return mismatch(differences);
}

Result<> refuse_changed_files(const RestoreContext& context) {
  std::vector<Obstacle> differences;
  find_changed_files(context.image, &context, context.tell_checked, differences);
  if (!differences.empty()) return mismatch(differences);
  return {};
}

}  // namespace appshot
