// Making layers of folders and archives, and archives of layers, is done by a program of its own
// (src/packing): it handles bytes of others, and can be killed.
//
// It dies with the thread that waits for it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "node/harness_start.h"
#include "protocol/json.h"

namespace appshot {

class Packer {
 public:
  using Words = std::vector<std::string>;
  using ReadSome = std::function<Result<size_t>(std::span<char> bytes)>;  // 0: the end
  using WriteAll = std::function<Result<>(std::string_view bytes)>;
  using Listener = std::function<void(const Json& line)>;

  // Its result. What it tells beside progress goes to `listener`, line by line.
  static Result<Json> run(const Words& words, const ProgressListener& progress = {},
                          const Listener& listener = {});
  // One that writes an archive.
  static Result<> write(const Words& words, const WriteAll& write);
  // One that reads an archive.
  static Result<Json> read(const Words& words, const ReadSome& read);
};

}  // namespace appshot
