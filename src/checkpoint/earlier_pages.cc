#include "checkpoint/earlier_pages.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "image/format.h"

namespace appshot {
namespace {

// Of how many earlier files an image may consist: those that hold the least for it are copied anew.
constexpr size_t kFilesMax = 8;

// Bytes of each part that are in use.
std::vector<uint64_t> count_known(const MemoryTracks& tracks, const image::PagesParts& parts) {
  std::vector<uint64_t> known(parts.size());
  auto count = [&](const image::PageRun& run) {
    if (is_zeros(run)) return;
    const image::PagesPartT* part = image::find_part(parts, run.offset(), run.length());
    for (size_t i = 0; i < parts.size(); ++i)
      if (parts[i].get() == part) known[i] += run.length();
  };
  for (const auto& process : tracks.processes())
    for (const image::PageRun& run : process.second.known.runs()) count(run);
  for (const auto& content : tracks.contents())
    for (const image::PageRun& run : content.second.pages.runs()) count(run);
  return known;
}

// Reading an image back reads whole blocks: one that uses little of many files would be slow.
void forget_little_used(MemoryTracks& tracks, const image::PagesParts& parts) {
  if (parts.size() < kFilesMax) return;
  const std::vector<uint64_t> known = count_known(tracks, parts);
  std::vector<size_t> order(parts.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return known[a] < known[b]; });
  for (size_t i = 0; i + kFilesMax / 2 < order.size(); ++i) {
    const image::PagesPartT& part = *parts[order[i]];
    auto forget = [&](KnownPages& pages) {
      pages.forget_offsets(part.base, part.base + part.length);
    };
    for (auto& process : tracks.processes()) forget(process.second.known);
    if (tracks.origin()) tracks.origin()->forget_offsets(part.base, part.base + part.length);
    for (auto& content : tracks.contents()) {
      forget(content.second.pages);
      content.second.stamp.reset();
    }
  }
}

}  // namespace

EarlierPages EarlierPages::link(MemoryTracks& tracks, const std::string& folder) {
  EarlierPages earlier;
  earlier.folder_ = folder;
  if (!tracks.kept()) return earlier;
  const MemoryTracks::Kept& kept = *tracks.kept();
  std::set<std::string> linked;
  for (const auto& part : kept.parts) {
    const std::string name =
        part->file == image::kPagesName ? image::pages_name_of(kept.id) : part->file;
    if (linked.insert(name).second &&
        ::link((kept.folder + "/" + part->file).c_str(), (folder + "/" + name).c_str()) != 0) {
      for (const std::string& one : linked) ::unlink((folder + "/" + one).c_str());
      tracks.forget_pages();
      return EarlierPages();
    }
    earlier.parts_.push_back(std::make_unique<image::PagesPartT>(*part));
    earlier.parts_.back()->file = name;
  }
  earlier.next_base_ = kept.next_base;
  forget_little_used(tracks, earlier.parts_);
  return earlier;
}

Result<image::PagesParts> EarlierPages::used_by(const image::ImageT& image) const {
  std::set<const image::PagesPartT*> used;
  const image::PagesPartT* last = nullptr;
  for (const image::PageRun& run : image::all_runs(image)) {
    const image::PagesPartT* part = image::find_part(parts_, run.offset(), run.length());
    if (part != last) used.insert(last = part);
  }
  image::PagesParts parts;
  std::set<std::string> unused;
  for (const auto& part : parts_) unused.insert(part->file);
  for (const auto& part : parts_) {
    if (!used.contains(part.get())) continue;
    unused.erase(part->file);
    parts.push_back(std::make_unique<image::PagesPartT>(*part));
  }
  for (const std::string& name : unused) TRY_SYS(::unlink((folder_ + "/" + name).c_str()));
  return parts;
}

}  // namespace appshot
