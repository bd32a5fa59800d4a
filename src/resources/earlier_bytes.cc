#include "resources/earlier_bytes.h"

#include <fcntl.h>
#include <unistd.h>

#include "image/shared_pages.h"

namespace appshot {

EarlierBytes::EarlierBytes(const std::string& folder, const image::PagesParts& parts) {
  for (const auto& part : parts) {
    if (!files_.contains(part->file))
      if (Result<UniqueFd> file = image::open_pages_file(folder + "/" + part->file))
        files_.emplace(part->file, std::move(file).value());
    parts_.push_back(std::make_unique<image::PagesPartT>(*part));
    parts_.back()->checksums.clear();
  }
}

bool EarlierBytes::read(uint64_t offset, std::span<char> into) const {
  const image::PagesPartT* part = image::find_part(parts_, offset, into.size());
  auto file = part == nullptr ? files_.end() : files_.find(part->file);
  if (file == files_.end()) return false;
  auto at = static_cast<off_t>(part->position + (offset - part->base));
  while (!into.empty()) {
    const ssize_t got = ::pread(file->second.get(), into.data(), into.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    into = into.subspan(static_cast<size_t>(got));
    at += got;
  }
  return true;
}

}  // namespace appshot
