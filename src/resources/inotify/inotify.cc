#include "resources/inotify/inotify.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "os/file.h"
#include "resources/file_names.h"
#include "resources/inotify/find_watched.h"
#include "resources/inotify/open_by_handle.h"

namespace appshot::inotifies {
namespace {

constexpr unsigned long kSetNextWatch = _IOW('I', 0, int32_t);
// Bits the kernel keeps of a mask that inotify_add_watch takes.
constexpr uint32_t kMask = IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT;

std::vector<WatchedFile> parse_watches(const std::string& fdinfo) {
  std::vector<WatchedFile> watches;
  std::istringstream lines(fdinfo);
  for (std::string line; std::getline(lines, line);) {
    WatchedFile watch;
    unsigned handle_bytes = 0;
    int used = 0;
    int got = std::sscanf(line.c_str(),
                          "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:%*x fhandle-bytes:%x "
                          "fhandle-type:%x f_handle:%n",
                          reinterpret_cast<unsigned*>(&watch.number), &watch.inode, &watch.device,
                          &watch.mask, &handle_bytes,
                          reinterpret_cast<unsigned*>(&watch.handle_type), &used);
    if (got < 4) continue;
    for (unsigned i = 0;
         used != 0 && i < handle_bytes && static_cast<size_t>(used) + 2 * i + 1 < line.size(); ++i)
      watch.handle.push_back(static_cast<uint8_t>(
          std::stoi(line.substr(static_cast<size_t>(used) + 2 * i, 2), nullptr, 16)));
    watches.push_back(watch);
  }
  std::sort(watches.begin(), watches.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  return watches;
}

}  // namespace

bool tells_of_reading(const std::string& fdinfo) {
  return std::ranges::any_of(parse_watches(fdinfo), [](const WatchedFile& watch) {
    return (watch.mask & kTellReading) != 0;
  });
}

bool Inotify::recognises(const DescriptorRef& ref) const {
  return ref.descriptor.link == "anon_inode:inotify";
}

std::string Inotify::obstacle(const DescriptorRef& ref) const {
  Result<UniqueFd> copy = ref.process.pidfd.take_copy(ref.descriptor.fd);
  int waiting = 0;
  if (!copy || ::ioctl(copy->get(), FIONREAD, &waiting) != 0 || waiting == 0) return "";
  return "inotify with unread events, which cannot be put back; try again when they have been read";
}

Result<image::FileKindUnion> Inotify::capture(CaptureContext& context,
                                              const DescriptorRef& ref) const {
  image::InotifyT inotify;
  const std::string root = "/proc/" + std::to_string(ref.process.host.value) + "/root";
  const int lives_in = space_of(context, TRY(mount_if_needed(context, root)));
  for (const WatchedFile& watched : parse_watches(ref.descriptor.fdinfo)) {
    auto watch = std::make_unique<image::InotifyWatchT>();
    watch->wd = watched.number;
    watch->mask = watched.mask & kMask;
    watch->name = std::make_unique<image::FileNameT>();
    watch->name->inode = watched.inode;
    const std::string guess = path_by_handle(context.instance, watched);
    Result<std::string> path = find_watched(context.root_of(lives_in), ref.process, watched, guess);
    watch->name->space = lives_in;
    if (!path && lives_in >= 0) {
      path = find_watched(context.root_of(-1), ref.process, watched, guess);
      watch->name->space = -1;
    }
    if (!path) {
      context.obstacles.add(
          ref.process.words() + " has descriptor " + std::to_string(ref.descriptor.fd) +
              " watching (inotify) a file whose name cannot be found",
          "remove the watch, or open the watched folder so that its name is known");
      continue;
    }
    watch->name->path = *path;
    inotify.watches.push_back(std::move(watch));
  }
  image::FileKindUnion kind;
  kind.Set(std::move(inotify));
  return kind;
}

Result<UniqueFd> Inotify::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  UniqueFd fd(TRY_SYS(::inotify_init1(IN_CLOEXEC)));
  for (const auto& watch : file.kind.AsInotify()->watches) {
    TRY_SYS(::ioctl(fd.get(), kSetNextWatch, watch->wd));
    const std::string path = context.path_of(*watch->name);
    int number = ::inotify_add_watch(fd.get(), path.c_str(), watch->mask);
    if (number < 0) return Error::from_errno(errno, "inotify_add_watch " + watch->name->path);
    if (number != watch->wd)
      return Error(ErrorClass::unsupported, "inotify gave watch " + std::to_string(number) +
                                                " instead of " + std::to_string(watch->wd));
  }
  TRY_SYS(::fcntl(fd.get(), F_SETFL, file.flags & O_NONBLOCK));
  return fd;
}

}  // namespace appshot::inotifies
