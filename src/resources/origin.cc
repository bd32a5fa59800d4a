#include "resources/origin.h"

namespace appshot {

Origin::Origin(const image::ImageT& image) {
  for (const auto& memory : image.shared_memory) shared_memory_.emplace_back(memory->pages);
  for (const auto& file : image.private_files)
    if (file->ghost >= 0)
      files_.emplace(file->path, KnownPages(image.ghosts[static_cast<size_t>(file->ghost)]->pages));
  for (const auto& process : image.processes) {
    if (!process->address_space) continue;
    std::vector<image::PageRun> runs;
    for (const auto& mapping : process->address_space->mappings) {
      runs.insert(runs.end(), mapping->pages.begin(), mapping->pages.end());
      if (mapping->kind == image::MappingKind::shared_memory && mapping->object >= 0)
        mappings_.emplace(std::pair(process->pid, mapping->start), mapping->object);
    }
    processes_.emplace(process->pid, KnownPages(std::move(runs)));
  }
}

const KnownPages* Origin::of_process(VirtualPid process) const {
  auto found = processes_.find(process.value);
  return found == processes_.end() ? nullptr : &found->second;
}

const KnownPages* Origin::of_file(const std::string& name) const {
  auto found = files_.find(name);
  return found == files_.end() ? nullptr : &found->second;
}

const KnownPages* Origin::of_shared_memory(VirtualPid process, uint64_t start) const {
  auto found = mappings_.find({process.value, start});
  return found == mappings_.end() ? nullptr : &shared_memory_[found->second];
}

void Origin::forget_offsets(uint64_t first, uint64_t end) {
  for (auto& process : processes_) process.second.forget_offsets(first, end);
  for (auto& file : files_) file.second.forget_offsets(first, end);
  for (KnownPages& pages : shared_memory_) pages.forget_offsets(first, end);
}

}  // namespace appshot
