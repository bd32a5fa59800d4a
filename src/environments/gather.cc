#include "environments/gather.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "isolation/host_mounts.h"
#include "os/file.h"
#include "os/in_root.h"

namespace appshot {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kBlock = 512;  // of st_blocks

// Made with every instance's world, and empty outside of it.
constexpr const char* kOfEveryWorld[] = {"/run/appshot", "/run"};

// A path of the layer: the folder that it is in, and its name there. Nothing is looked for by way
// of a link, since the programs of the instance have made those: it would lead to the host's files.
struct Place {
  UniqueFd folder;
  std::string name;
};

Result<Place> place_of(int files, const std::string& path) {
  const size_t slash = path.find_last_of('/');
  const std::string folder = "." + path.substr(0, slash);
  return Place{TRY(open_below(files, folder, O_RDONLY | O_DIRECTORY)), path.substr(slash + 1)};
}

// A folder that merely leads to a file system of its own looks as it does on the host.
Result<> make_like_host(const Place& place, const std::string& on_host) {
  const int folder = place.folder.get();
  if (::mkdirat(folder, place.name.c_str(), 0755) != 0)
    return errno == EEXIST ? Result<>() : Error::from_errno(errno, "mkdir " + on_host);
  struct stat like {};
  if (::stat(on_host.c_str(), &like) != 0) return {};
  const UniqueFd made = TRY(open_at(folder, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  TRY_SYS(::fchown(made.get(), like.st_uid, like.st_gid));
  TRY_SYS(::fchmod(made.get(), like.st_mode & 07777));
  return {};
}

Result<> move_to(const std::string& upper, int files, const std::string& point) {
  for (size_t slash = point.find('/', 1); slash != std::string::npos;
       slash = point.find('/', slash + 1)) {
    const std::string leading = point.substr(0, slash);
    TRY(make_like_host(TRY(place_of(files, leading)), leading));
  }
  const Place place = TRY(place_of(files, point));
  // Of the root's own layer: where the file system was mounted, never seen.
  TRY(remove_tree("/proc/self/fd/" + std::to_string(place.folder.get()) + "/" + place.name));
  TRY_SYS(::renameat(AT_FDCWD, upper.c_str(), place.folder.get(), place.name.c_str()));
  return {};
}

void remove_if_empty(int files, const std::string& path) {
  const Result<Place> place = place_of(files, path);
  if (!place) return;
  const int folder = place->folder.get();
  const char* name = place->name.c_str();
  struct stat info {};
  if (::fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (S_ISDIR(info.st_mode)) (void)::unlinkat(folder, name, AT_REMOVEDIR);
  if (S_ISREG(info.st_mode) && info.st_size == 0) (void)::unlinkat(folder, name, 0);
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
  TRY_SYS(::rename((private_layers + "/root/upper").c_str(), files.c_str()));
  const UniqueFd root = TRY(open_file(files, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (auto point = points.begin() + 1; point != points.end(); ++point) {
    const std::string upper = private_layers + "/" + layer_name(*point) + "/upper";
    if (TRY(is_empty(upper))) continue;
    TRY(move_to(upper, root.get(), *point).within("what was changed in " + *point));
  }
  for (const char* path : kOfEveryWorld) remove_if_empty(root.get(), path);
  for (const std::string& place : places) remove_if_empty(root.get(), place);
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
