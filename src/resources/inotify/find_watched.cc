#include "resources/inotify/find_watched.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <deque>
#include <memory>
#include <set>

#include "os/file.h"

namespace appshot::inotifies {
namespace {

constexpr int kFoldersLookedAtMax = 20'000;

class Search {
 public:
  Search(const std::string& root, const WatchedFile& file) : root_(root), file_(file) {}

  bool is_it(const std::string& path) const {
    struct stat info {};
    if (::lstat((root_ + path).c_str(), &info) != 0) return false;
    if (info.st_ino != file_.inode) return false;
    if (file_.handle.empty()) return true;
    // Inode numbers are unique only within a file system: the handle decides.
    struct {
      file_handle head;
      unsigned char body[MAX_HANDLE_SZ];
    } handle{};
    handle.head.handle_bytes = MAX_HANDLE_SZ;
    int mount = 0;
    constexpr int kAtHandleFid =
        0x200;  // AT_HANDLE_FID, for file systems that cannot open by handle
    std::string full = root_ + path;
    if (::name_to_handle_at(AT_FDCWD, full.c_str(), &handle.head, &mount, kAtHandleFid) != 0 &&
        ::name_to_handle_at(AT_FDCWD, full.c_str(), &handle.head, &mount, 0) != 0)
      return true;
    return handle.head.handle_bytes == file_.handle.size() &&
           std::equal(file_.handle.begin(), file_.handle.end(), handle.head.f_handle);
  }

  // The folder itself and everything up to `depth` below it.
  Result<std::string> below(const std::string& folder, int depth) {
    std::deque<std::pair<std::string, int>> waiting{{folder, depth}};
    while (!waiting.empty()) {
      auto [path, left] = waiting.front();
      waiting.pop_front();
      if (is_it(path)) return path;
      if (left == 0 || !seen_.insert(path).second || ++looked_at_ > kFoldersLookedAtMax) continue;
      std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir((root_ + path).c_str()), ::closedir);
      if (!dir) continue;
      while (const dirent* entry = ::readdir(dir.get())) {
        std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        std::string child = (path == "/" ? "" : path) + "/" + std::string(name);
        bool folder_entry = entry->d_type == DT_DIR;
        if (folder_entry)
          waiting.emplace_back(child, left - 1);
        else if (entry->d_ino == file_.inode && is_it(child))
          return child;
      }
    }
    return Error(ErrorClass::not_found, "watched file not found");
  }

 private:
  const std::string& root_;
  const WatchedFile& file_;
  std::set<std::string> seen_;
  int looked_at_ = 0;
};

std::string folder_of(const std::string& path) {
  size_t slash = path.find_last_of('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

}  // namespace

Result<std::string> find_watched(const std::string& root, const ProcessSource& process,
                                 const WatchedFile& file, const std::string& guess) {
  Search search(root, file);
  if (!guess.empty() && search.is_it(guess)) return guess;
  std::set<std::string> folders;
  if (Result<std::string> cwd = process.dir.link("cwd")) folders.insert(*cwd);
  for (const DescriptorSource& descriptor : process.descriptors) {
    if (!descriptor.link.starts_with('/')) continue;
    if (search.is_it(descriptor.link)) return descriptor.link;
    folders.insert(folder_of(descriptor.link));
  }
  for (const std::string& folder : folders)
    if (Result<std::string> found = search.below(folder, 2)) return found;
  for (const char* usual : {"/tmp", "/etc", "/run", "/var/run", "/var/log", "/home", "/root",
                            "/srv", "/var", "/dev", "/opt"})
    if (Result<std::string> found = search.below(usual, 3)) return found;
  return search.below("/", 8);
}

}  // namespace appshot::inotifies
