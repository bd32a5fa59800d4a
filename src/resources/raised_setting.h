// A limit of the IPC namespace (/proc/sys) that is out of the way while objects are made again
// which fitted once; it is put back when this ends.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace appshot {

class RaisedSetting {
 public:
  // `name` as under /proc/sys: "kernel/msgmax". Nothing happens when it is that high already.
  static Result<RaisedSetting> at_least(const std::string& name, uint64_t value);
  RaisedSetting(RaisedSetting&& other) noexcept;
  RaisedSetting& operator=(RaisedSetting&&) = delete;
  ~RaisedSetting();

 private:
  RaisedSetting(std::string path, std::string before)
      : path_(std::move(path)), before_(std::move(before)) {}
  std::string path_;
  std::string before_;  // empty: it was not changed
};

}  // namespace appshot
