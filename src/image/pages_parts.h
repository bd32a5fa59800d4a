// Where an image's pages lie: each run of them by its offset in one of the parts, each part in a
// file beside the manifest (docs/image-format.md).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::image {

using PagesParts = std::vector<std::unique_ptr<PagesPartT>>;

// The part in which all of [offset, offset + length) lies, or none. `parts` ascend.
const PagesPartT* find_part(const PagesParts& parts, uint64_t offset, uint64_t length);

// The name of the file which was `pages` in the image `id`, in images that came after it.
std::string pages_name_of(const std::string& id);

// Nothing in it leads the reader astray.
Result<> verify_parts(const PagesParts& parts);

// Every run of pages that is kept, of memory and of files; in no order.
std::vector<PageRun> all_runs(const ImageT& image);

// The first offset of a part that comes after these. It does not touch them, so that no run can lie
// in both.
uint64_t next_base(const PagesParts& parts);

// The blocks in which one of the runs lies, and nothing else: parts of one file, in the order of
// `parts`. `taken` tells where each lies in the files of now.
struct CompactParts {
  PagesParts parts;
  PagesParts taken;
};
CompactParts compact(const PagesParts& parts, std::vector<PageRun> runs);

}  // namespace appshot::image
