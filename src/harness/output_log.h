// The record of what an application has written: state_dir/log, one JSON object a line
// (docs/harness-protocol.md). Kept small: past a size it starts anew, the former one is kept
// beside.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

class OutputLog {
 public:
  OutputLog() = default;
  static Result<OutputLog> open(const std::string& path);
  void add(std::string_view stream, std::string_view bytes);

 private:
  UniqueFd file_;
  std::string path_;
  size_t size_ = 0;
};

}  // namespace appshot
