// Paths that lead elsewhere in the instance's own files, by rules: the program sees what lies at
// the other place, under the path it asks for.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "isolation/public_path.h"

namespace appshot {

// What a program has open through a redirection.
struct NeededPlace {
  std::string below{};  // "/log"; empty: the redirection's own path
  uint32_t mode = 0;
  bool is_mapped = false;  // or run as a program: nothing else can be in its place
  bool operator==(const NeededPlace&) const = default;
};

struct Redirection {
  std::string path;
  std::string to;
  bool create = false;  // the other place, a folder, where it is missing
  bool copy = false;    // fill it then with what lies at the path
  bool read_only = false;
  bool is_link = false;  // may lead nowhere yet
  std::string rule;      // for errors: "rules:3:1"
  // Of a restore or clone: where it led when the snapshot was taken, if elsewhere, and what of it
  // was in use. Folders come before what is in them.
  std::string former{};
  std::vector<NeededPlace> needed{};
  bool operator==(const Redirection&) const = default;
};

// A folder with all that is in it; the target is not there yet.
using CopyFolder = std::function<Result<>(const std::string& from, const std::string& target)>;

// Below a root that is being assembled. Of paths within one another the deepest holds. Where
// redirections lead is looked up in a world in which there are public paths, but none of them.
Result<> lead_paths(int root, const std::vector<PublicPath>& public_paths,
                    const std::vector<Redirection>& redirections, const CopyFolder& copy_folder,
                    const Hidden& hidden);

}  // namespace appshot
