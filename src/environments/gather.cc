#include "environments/gather.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "isolation/host_mounts.h"
#include "os/file.h"

namespace appshot {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kBlock = 512;  // of st_blocks

// Made with every instance's world, and empty outside of it.
constexpr const char* kOfEveryWorld[] = {"/run/appshot", "/run"};

// A folder that merely leads to a file system of its own looks as it does on the host.
Result<> make_like_host(const std::string& folder, const std::string& on_host) {
  if (::mkdir(folder.c_str(), 0755) != 0)
    return errno == EEXIST ? Result<>() : Error::from_errno(errno, "mkdir " + folder);
  struct stat like {};
  if (::stat(on_host.c_str(), &like) != 0) return {};
  TRY_SYS(::chown(folder.c_str(), like.st_uid, like.st_gid));
  TRY_SYS(::chmod(folder.c_str(), like.st_mode & 07777));
  return {};
}

Result<> move_to(const std::string& upper, const std::string& files, const std::string& point) {
  for (size_t slash = point.find('/', 1); slash != std::string::npos;
       slash = point.find('/', slash + 1))
    TRY(make_like_host(files + point.substr(0, slash), point.substr(0, slash)));
  const std::string place = files + point;
  // Of the root's own layer: where the file system was mounted, never seen.
  TRY(remove_tree(place));
  TRY_SYS(::rename(upper.c_str(), place.c_str()));
  return {};
}

void remove_if_empty(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return;
  if (S_ISDIR(info.st_mode)) (void)::rmdir(path.c_str());
  if (S_ISREG(info.st_mode) && info.st_size == 0) (void)::unlink(path.c_str());
}

Result<bool> is_empty(const std::string& folder) { return TRY(list_folder(folder)).empty(); }

}  // namespace

Result<bool> gather_changes(const std::string& private_layers, const std::string& files,
                            const std::vector<std::string>& places) {
  std::vector<std::string> points;
  for (const std::string& layer : TRY(list_folder(private_layers)))
    points.push_back(layer_mount_point(layer));
  std::ranges::sort(points);  // the root first, and folders before what lies in them
  if (points.empty() || points.front() != "/")
    return Error(ErrorClass::gone, "its files are gone: " + private_layers);
  for (const std::string& point : points) {
    const std::string upper = private_layers + "/" + layer_name(point) + "/upper";
    if (point == "/")
      TRY_SYS(::rename(upper.c_str(), files.c_str()));
    else if (!TRY(is_empty(upper)))
      TRY(move_to(upper, files, point));
  }
  for (const char* path : kOfEveryWorld) (void)::rmdir((files + path).c_str());  // if it is empty
  for (const std::string& place : places) remove_if_empty(files + place);
  return !TRY(is_empty(files));
}

Result<int64_t> bytes_of_tree(const std::string& folder) {
  int64_t sum = 0;
  std::set<std::pair<dev_t, ino_t>> several;
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    struct stat info {};
    if (::lstat(entry->path().c_str(), &info) != 0)
      return Error::from_errno(errno, "lstat " + entry->path().string());
    if (info.st_nlink > 1 && !S_ISDIR(info.st_mode) &&
        !several.insert({info.st_dev, info.st_ino}).second)
      continue;
    sum += info.st_blocks * kBlock;
  }
  if (failed) return Error::from_errno(failed.value(), "list " + folder);
  return sum;
}

}  // namespace appshot
