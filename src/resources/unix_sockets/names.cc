#include "resources/unix_sockets/names.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <optional>

#include "os/file.h"
#include "resources/acting.h"
#include "resources/file_names.h"

namespace appshot::unix_sockets {
namespace {

constexpr int kOpenFileOf = SIOCPROTOPRIVATE;  // SIOCUNIXFILE, which only the kernel's headers name
constexpr char kScratchParent[] = "/dev/shm";
constexpr int kStepsUpMax = 54;  // "../" in the longest name

struct Address {
  sockaddr_un bytes{};
  socklen_t length = 0;
};

Address address_of(const Name& name) {
  Address address;
  address.bytes.sun_family = AF_UNIX;
  std::copy(name.begin(), name.end(), address.bytes.sun_path);
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  // The kernel ends a path of full length by itself, and every other one is kept with its end.
  return address;
}

// Nothing where it has no peer to be asked about; an empty name where that has none.
template <typename Ask>
Result<std::optional<Name>> ask_name(int socket, Ask ask) {
  struct {
    sockaddr_un address;
    char end;  // a path may fill all of sun_path
  } answer{};
  socklen_t length = sizeof answer;
  if (ask(socket, reinterpret_cast<sockaddr*>(&answer.address), &length) != 0) {
    if (errno == ENOTCONN) return std::optional<Name>();
    return Error::from_errno(errno, "name of a UNIX socket");
  }
  constexpr socklen_t kBefore = offsetof(sockaddr_un, sun_path);
  if (length <= kBefore) return std::optional(Name());
  const size_t bytes = std::min<size_t>(length - kBefore, sizeof answer.address.sun_path);
  Name name(answer.address.sun_path, answer.address.sun_path + bytes);
  // A path is told with the zero that ends it.
  if (is_path(name)) name.erase(std::find(name.begin(), name.end(), 0), name.end());
  return std::optional(std::move(name));
}

std::string as_path(const Name& name) { return {name.begin(), name.end()}; }

std::string descriptor_path(const UniqueFd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

// Folders of the path that are not there yet.
int make_parents(const std::string& path) {
  for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    const std::string folder = path.substr(0, at);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return errno;
  }
  return 0;
}

int bind_plainly(int socket, const Name& name) {
  const Address address = address_of(name);
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&address.bytes), address.length);
}

// In a process of its own, for which the folder is all there is: there any name is free.
int bind_below(const std::string& folder, int socket, const Name& name) {
  const std::string path = as_path(name);
  if (::chroot(folder.c_str()) != 0 || ::chdir("/") != 0) return errno;
  for (int i = 0; i < kStepsUpMax && path.front() != '/'; ++i)
    if (path.find("..") != std::string::npos && (::mkdir("d", 0700) != 0 || ::chdir("d") != 0))
      return errno;
  if (int failed = make_parents(path); failed != 0) return failed;
  return bind_plainly(socket, name) == 0 ? 0 : errno;
}

Result<UniqueFd> open_file_of(int socket) {
  return UniqueFd(TRY_SYS(::ioctl(socket, kOpenFileOf)));
}

// The times of the folder are those of the application: what we do there it has not done.
class FolderTimes {
 public:
  static Result<FolderTimes> of(const std::string& folder) {
    struct stat info {};
    if (::stat(folder.c_str(), &info) != 0) return Error::from_errno(errno, "stat " + folder);
    return FolderTimes(folder, info);
  }
  Result<> put_back() const {
    const timespec times[2] = {info_.st_atim, info_.st_mtim};
    if (::utimensat(AT_FDCWD, folder_.c_str(), times, 0) != 0)
      return Error::from_errno(errno, "utimensat " + folder_);
    return {};
  }

 private:
  FolderTimes(std::string folder, const struct stat& info)
      : folder_(std::move(folder)), info_(info) {}
  std::string folder_;
  struct stat info_;
};

// A file of that name without anybody behind it: what the snapshot kept of it, or, with files that
// are shared, what the end of the application left.
Result<> remove_stale(const std::string& path, int type) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return Error::from_errno(errno, "stat " + path);
  }
  Error in_use = Error(ErrorClass::conflict, path + " is in use by another program")
                     .hint("end it, or move its file out of the way");
  if (!S_ISSOCK(info.st_mode)) return in_use;
  UniqueFd probe(TRY_SYS(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
  // The path itself may be longer than an address.
  UniqueFd file = TRY(open_file(path, O_PATH | O_NOFOLLOW));
  const std::string way = descriptor_path(file);
  Result<> connected = connect_to(probe.get(), Name(way.begin(), way.end()));
  if (connected || connected.error().err() != ECONNREFUSED) return in_use;
  TRY_SYS(::unlink(path.c_str()));
  return {};
}

Result<> move_file_of(int socket, const std::string& root, const std::string& path) {
  UniqueFd file = TRY(open_file_of(socket));
  const std::string now = root + TRY(read_link(descriptor_path(file)));
  if (::rename(now.c_str(), path.c_str()) != 0)
    return Error::from_errno(errno, "rename to " + path);
  return {};
}

// Where the name alone does not lead: it was relative, or the file has been moved since, or is no
// more (final_path nullptr).
Result<> bind_elsewhere(int socket, const Name& name, const std::string& parent,
                        const std::string& root, const std::string* final_path) {
  std::string scratch = parent + "/.appshot-XXXXXX";
  if (::mkdtemp(scratch.data()) == nullptr) return Error::from_errno(errno, "mkdtemp " + scratch);
  Result<> bound = act_as(0, [&] { return bind_below(scratch, socket, name); });
  if (bound && final_path != nullptr) bound = move_file_of(socket, root, *final_path);
  Result<> removed = remove_tree(scratch);
  return bound ? std::move(removed) : std::move(bound);
}

}  // namespace

Result<> capture_names(const CaptureContext& context, int socket, image::UnixSocketT& into) {
  into.name = TRY(ask_name(socket, ::getsockname)).value_or(Name());
  if (std::optional<Name> peer = TRY(ask_name(socket, ::getpeername))) {
    into.state = image::UnixState::connected;
    into.peer_name = std::move(*peer);
  }
  if (!is_path(into.name)) return {};
  UniqueFd file = TRY(open_file_of(socket));
  struct stat info {};
  TRY_SYS(::fstat(file.get(), &info));
  if (info.st_nlink == 0) return {};
  into.file = std::make_unique<image::FileNameT>();
  into.file->path = TRY(read_link(descriptor_path(file)));
  into.file->space = space_of(context, TRY(mount_if_needed(context, descriptor_path(file))));
  into.file->mode = info.st_mode;
  into.file->mtime = std::make_unique<image::Time>(to_time(info.st_mtim));
  into.file_uid = info.st_uid;
  into.file_gid = info.st_gid;
  return {};
}

Result<> bind_to(int socket, const Name& name, const BoundFile& where) {
  if (name.empty()) return {};
  if (!is_path(name)) {
    if (bind_plainly(socket, name) != 0) return Error::from_errno(errno, "bind");
    return {};
  }
  if (where.file == nullptr) return bind_elsewhere(socket, name, kScratchParent, "", nullptr);
  const std::string path = where.root + where.file->path;
  int type = 0;
  socklen_t length = sizeof type;
  TRY_SYS(::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &length));
  const std::string parent = path.substr(0, std::max<size_t>(path.rfind('/'), 1));
  const FolderTimes times = TRY(FolderTimes::of(parent));
  TRY(remove_stale(path, type));
  if (as_path(name) == path) {
    if (bind_plainly(socket, name) != 0) return Error::from_errno(errno, "bind to " + path);
  } else {
    TRY(bind_elsewhere(socket, name, parent, where.root, &path));
  }
  if (::lchown(path.c_str(), where.uid, where.gid) != 0)
    return Error::from_errno(errno, "chown " + path);
  if (::chmod(path.c_str(), where.file->mode & 07777) != 0)
    return Error::from_errno(errno, "chmod " + path);
  const timespec file_times[2] = {{0, UTIME_OMIT}, from_time(*where.file->mtime)};
  if (::utimensat(AT_FDCWD, path.c_str(), file_times, 0) != 0)
    return Error::from_errno(errno, "utimensat " + path);
  return times.put_back();
}

Result<Reach> reach(int bound_socket, const Name& name) {
  Reach reach;
  reach.name = name;
  if (!is_path(name)) return reach;
  reach.file = TRY(open_file_of(bound_socket));
  const std::string path = descriptor_path(reach.file);
  reach.name.assign(path.begin(), path.end());
  return reach;
}

Result<> connect_to(int socket, const Name& name) {
  const Address address = address_of(name);
  TRY_SYS(::connect(socket, reinterpret_cast<const sockaddr*>(&address.bytes), address.length));
  return {};
}

}  // namespace appshot::unix_sockets
