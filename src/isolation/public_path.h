// A path of the host that an instance sees as it is: not redirected, changed for everybody.
#pragma once

#include <string>

#include "base/result.h"
#include "isolation/hidden.h"

namespace appshot {

struct PublicPath {
  std::string from;  // on the host
  std::string path;  // inside
  bool read_only = false;
  bool operator==(const PublicPath&) const = default;
};

// "HOSTPATH:PATH[:ro]", both absolute. Class usage.
Result<PublicPath> parse_public_path(const std::string& text);

// Below a root that is being assembled; the place is made where it is missing. Class usage: it is
// not on the host, or it is hidden; what lies in it and is hidden is empty.
Result<> show_public_path(int root, const PublicPath& shown, const Hidden& hidden);

}  // namespace appshot
