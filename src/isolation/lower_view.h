// What lies below an instance's own layers, as far as one name is concerned.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace appshot {

struct LowerView {
  std::vector<std::string> environment;  // folders of its layers, lowest first
  bool host = true;                      // and below them the host's files

  // Whether something is seen there where no layer above says anything else.
  Result<bool> shows(const std::string& path) const;
};

}  // namespace appshot
