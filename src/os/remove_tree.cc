// Removing a folder with all that is in it, however deep: from folder to folder, with one
// descriptor at a time, since an application may have made paths longer than any call takes.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "os/file.h"

namespace appshot {
namespace {

class Removal {
 public:
  static Result<> run(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return gone_or_error("lstat");
    if (!S_ISDIR(info.st_mode)) return remove(AT_FDCWD, path, 0);
    Removal removal(info.st_dev);
    TRY(removal.enter(AT_FDCWD, path));
    while (!removal.levels_.empty()) TRY(removal.step());
    return remove(AT_FDCWD, path, AT_REMOVEDIR);
  }

 private:
  struct Level {
    std::string name;                  // in the folder above
    std::vector<std::string> folders;  // those in it that were not empty, still to be removed
  };

  explicit Removal(dev_t device) : device_(device) {}

  static Result<> gone_or_error(std::string_view call) {
    return errno == ENOENT ? Result<>() : Error::from_errno(errno, call);
  }

  static Result<> remove(int dir, const std::string& name, int flags) {
    return ::unlinkat(dir, name.c_str(), flags) == 0 ? Result<>() : gone_or_error("unlinkat");
  }

  // Removes what is no folder, or an empty one; anything else is for later.
  Result<> enter(int dir, const std::string& name) {
    Result<UniqueFd> opened = open_at(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!opened && opened.error().err() == ENOENT) return {};  // somebody else removes it, too
    UniqueFd folder = TRY(std::move(opened));
    struct stat info {};
    TRY_SYS(::fstat(folder.get(), &info));
    // What is mounted there is somebody else's.
    if (info.st_dev != device_) return Error::from_errno(EBUSY, "unlinkat");
    here_ = std::move(folder);
    levels_.push_back({name, {}});
    Result<std::vector<std::string>> entries = list_folder_at(here_.get(), ".");
    if (!entries && entries.error().err() == ENOENT) return {};
    for (std::string& entry : TRY(std::move(entries))) {
      if (::unlinkat(here_.get(), entry.c_str(), 0) == 0 || errno == ENOENT) continue;
      if (errno != EISDIR && errno != EPERM) return Error::from_errno(errno, "unlinkat");
      if (::unlinkat(here_.get(), entry.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) continue;
      if (errno == ENOTDIR) return Error::from_errno(EPERM, "unlinkat");
      if (errno != ENOTEMPTY && errno != EEXIST) return Error::from_errno(errno, "unlinkat");
      levels_.back().folders.push_back(std::move(entry));
    }
    return {};
  }

  Result<> step() {
    if (!levels_.back().folders.empty()) {
      const std::string next = std::move(levels_.back().folders.back());
      levels_.back().folders.pop_back();
      return enter(here_.get(), next);
    }
    const std::string done = std::move(levels_.back().name);
    levels_.pop_back();
    if (levels_.empty()) return {};
    here_ = TRY(open_at(here_.get(), "..", O_RDONLY | O_DIRECTORY));
    return remove(here_.get(), done, AT_REMOVEDIR);
  }

  const dev_t device_;
  std::vector<Level> levels_;
  UniqueFd here_;  // the folder of the last level
};

}  // namespace

Result<> remove_tree(const std::string& path) {
  return Removal::run(path).within("remove " + path);
}

}  // namespace appshot
