// What an earlier snapshot has kept of a file, or of memory that is shared.
#pragma once

#include <memory>
#include <optional>

#include "resources/content_mapping.h"
#include "resources/file_stamp.h"
#include "resources/known_pages.h"
#include "resources/page_sums.h"

namespace appshot {

// Below this many bytes a file is copied as soon as it is compared.
inline constexpr uint64_t kWorthKnowing = 64 << 10;

struct KnownContent {
  explicit KnownContent(uint64_t seed) : sums(seed) {}

  KnownPages pages;  // addresses are offsets
  PageSums sums;     // where one is not known, the bytes are compared
  // As long as the file has it, its content is what `pages` say. None: it has to be looked at.
  std::optional<FileStamp> stamp;
  // While a snapshot is taken. Null: it is read.
  std::shared_ptr<const ContentMapping> mapping;
  bool captured = false;  // by the snapshot that is taken
};

}  // namespace appshot
