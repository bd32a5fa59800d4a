// The name of a mapped file that is seen through one overlay upon another, as the host's files are
// in an environment that is kept among them: of a mapping the kernel tells the inner one's file,
// under the path that it has there, and that is nowhere in the instance.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "resources/capture_context.h"

namespace appshot {

struct MappedName {
  std::string link;
  struct stat info {};
  uint64_t mount = 0;
};

// `link`, `info` and `mount` are what is told of the mapping; the name is one that leads to the
// same file, or says that there is none any more. Nothing: it is no such file.
Result<std::optional<MappedName>> find_mapped_name(const CaptureContext& context,
                                                   const std::string& path, const std::string& link,
                                                   const struct stat& info, uint64_t mount);

}  // namespace appshot
