// A file that is seen under its name when it is whole and on the disk: a torn one never looks like
// a good one. Until then it is NAME.partial, made anew: what lies there is removed, and no link in
// its place is written through.
#pragma once

#include <string>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

class WholeFile {
 public:
  static Result<WholeFile> create(const std::string& path);
  WholeFile(WholeFile&& other) noexcept;
  WholeFile& operator=(WholeFile&&) = delete;
  ~WholeFile();  // of what was not published nothing is left

  int fd() const { return fd_.get(); }
  // The last call. Replaces what has that name.
  Result<> publish();

 private:
  WholeFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string partial() const { return path_ + ".partial"; }

  std::string path_;  // empty: there is nothing to be removed
  UniqueFd fd_;
};

}  // namespace appshot
