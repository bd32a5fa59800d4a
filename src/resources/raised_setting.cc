#include "resources/raised_setting.h"

#include <charconv>
#include <utility>

#include "os/file.h"

namespace appshot {

Result<RaisedSetting> RaisedSetting::at_least(const std::string& name, uint64_t value) {
  std::string path = "/proc/sys/" + name;
  std::string before = TRY(read_file(path));
  uint64_t now = 0;
  std::from_chars(before.data(), before.data() + before.size(), now);
  if (now >= value) return RaisedSetting(std::move(path), "");
  TRY(write_file(path, std::to_string(value)));
  return RaisedSetting(std::move(path), std::move(before));
}

RaisedSetting::RaisedSetting(RaisedSetting&& other) noexcept
    : path_(std::move(other.path_)), before_(std::exchange(other.before_, "")) {}

RaisedSetting::~RaisedSetting() {
  if (!before_.empty()) (void)!write_file(path_, before_);
}

}  // namespace appshot
