// What shows through below a layer: as the mounted overlay would, without mounting it.
#pragma once

#include <sys/stat.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot::packing {

// A file of the layers below: attributes, and where it is.
struct LowerFile {
  struct stat info {};
  std::map<std::string, std::string> xattrs;
  UniqueFd folder;  // that it is in
  std::string name;
};

class LowerLayers {
 public:
  // Bottom first; `below` is the folder that lies under all of them, or empty. There files of other
  // mounts are where they are mounted.
  static Result<LowerLayers> open(const std::vector<std::string>& layers, const std::string& below);

  // Of the mount of that name ("root"), by its path there.
  Result<std::optional<LowerFile>> find(const std::string& mount, const std::string& path) const;

 private:
  std::vector<UniqueFd> layers_;  // bottom first
  UniqueFd below_;
};

}  // namespace appshot::packing
