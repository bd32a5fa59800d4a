#include "resources/files/regular_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "os/file.h"
#include "resources/file_names.h"
#include "resources/open_flags.h"

namespace appshot::files {
namespace {

constexpr long kProcMagic = 0x9fa0;
constexpr long kSysMagic = 0x62656572;
constexpr long kMqueueMagic = 0x19800202;
constexpr long kSecretMemoryMagic = 0x5345434d;

constexpr std::string_view kProc = "/proc";
constexpr std::string_view kBelowProc = "/proc/";
constexpr std::string_view kPressure = "/proc/pressure/";

// Files of /proc that are the same for every process (stat, meminfo, sys/…) are there again after a
// restore, and tell of the machine as it is then. Those of a process are not made yet at that time.
bool tells_of_the_machine(const std::string& link) {
  return link == kProc || (link.starts_with(kBelowProc) && link.size() > kBelowProc.size() &&
                           (link[kBelowProc.size()] < '0' || link[kBelowProc.size()] > '9'));
}

std::string descriptor_path(const DescriptorRef& ref) {
  return "/proc/" + std::to_string(ref.process.host.value) + "/fd/" +
         std::to_string(ref.descriptor.fd);
}

std::string self_path(const UniqueFd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

std::string folder_of(const std::string& path) {
  size_t slash = path.find_last_of('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

// A file that was made without a name may be given one. /proc calls it by its number; the flag that
// tells so is lost when it is opened again.
bool never_had_a_name(const image::FileNameT& name) {
  return name.ghost >= 0 && name.path.ends_with("/#" + std::to_string(name.inode));
}

// The file system remembers a position by what was read on the way there: without having read
// anything, a folder put at its end stays empty when it is rewound.
Result<> move_in_folder(int fd, int64_t position) {
  char some[1024];
  TRY_SYS(::getdents64(fd, some, sizeof some));
  TRY_SYS(::lseek(fd, position, SEEK_SET));
  return {};
}

// A folder that is still there, as near to where the lost file was as there is one.
std::string nearest_folder(std::string path) {
  for (path = folder_of(path); path != "/"; path = folder_of(path))
    if (::access(path.c_str(), W_OK) == 0) return path;
  return path;
}

// A name that something else has taken since is lent for a moment; nobody of the application runs.
class Lent {
 public:
  explicit Lent(const std::string& path)
      : path_(path),
        aside_(path + ".appshot-aside"),
        taken_(::rename(path.c_str(), aside_.c_str()) == 0) {}
  Result<> give_back() const {
    if (taken_) TRY_SYS(::rename(aside_.c_str(), path_.c_str()));
    return {};
  }

 private:
  std::string path_, aside_;
  bool taken_;
};

// Under its own name if that can be had (so that /proc shows what it showed), else under another.
// Folders above it that are lost as well are there for the moment.
Result<UniqueFd> make_lost_folder(const image::FileNameT& name, const image::GhostT& ghost) {
  std::string path = name.path;
  std::vector<std::string> above;
  for (std::string folder = folder_of(path); ::access(folder.c_str(), F_OK) != 0;
       folder = folder_of(folder))
    above.push_back(folder);
  for (auto folder = above.rbegin(); folder != above.rend(); ++folder)
    if (::mkdir(folder->c_str(), 0700) != 0) break;
  const Lent lent(path);
  if (::mkdir(path.c_str(), 0700) != 0) {
    path = nearest_folder(name.path) + "/.appshot-lost-" + std::to_string(name.inode);
    if (::mkdir(path.c_str(), 0700) != 0) return Error::from_errno(errno, "mkdir " + path);
  }
  UniqueFd fd = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
  TRY_SYS(::fchown(fd.get(), ghost.uid, ghost.gid));
  TRY_SYS(::fchmod(fd.get(), ghost.mode & 07777));
  timespec times[2] = {{0, UTIME_OMIT}, from_time(*ghost.mtime)};
  TRY_SYS(::futimens(fd.get(), times));
  TRY_SYS(::rmdir(path.c_str()));
  TRY(lent.give_back());
  for (const std::string& folder : above) (void)!::rmdir(folder.c_str());
  return fd;
}

// Under its own name if that is free (so that /proc shows what it showed), else under another.
Result<UniqueFd> create_lost_file(const image::FileNameT& name, bool linkable) {
  std::string folder = nearest_folder(name.path);
  if (linkable) return open_file(folder, O_TMPFILE | O_RDWR, 0600);
  const Lent lent(name.path);
  std::string path = name.path;
  Result<UniqueFd> created = open_file(path, O_CREAT | O_EXCL | O_RDWR, 0600);
  if (!created) {
    path = folder + "/.appshot-lost-" + std::to_string(name.inode);
    created = open_file(path, O_CREAT | O_EXCL | O_RDWR, 0600);
  }
  if (created) ::unlink(path.c_str());
  TRY(lent.give_back());
  return created;
}

Result<> fill(const RestoreContext& context, const image::GhostT& ghost, int fd) {
  for (const image::PageRun& run : ghost.pages)
    TRY(context.pages.copy_to(fd, run.offset(), run.length(), run.address()));
  TRY_SYS(::ftruncate(fd, static_cast<off_t>(ghost.size)));
  TRY_SYS(::fchown(fd, ghost.uid, ghost.gid));
  TRY_SYS(::fchmod(fd, ghost.mode & 07777));
  timespec times[2] = {{0, UTIME_OMIT}, from_time(*ghost.mtime)};
  TRY_SYS(::futimens(fd, times));
  return {};
}

Result<UniqueFd*> lost_file(RestoreContext& context, const image::FileNameT& told, bool linkable) {
  auto known = context.ghosts.find(told.ghost);
  if (known != context.ghosts.end()) return &known->second;
  image::FileNameT name;  // as it is found from here
  name.path = context.path_of(told);
  // Where nothing can be written in that namespace, it is made in the instance's own.
  if (nearest_folder(name.path).size() < context.in_space(told.space, "").size())
    name.path = told.path;
  name.inode = told.inode;
  name.ghost = told.ghost;
  const image::GhostT& ghost = *context.image.ghosts[static_cast<size_t>(name.ghost)];
  UniqueFd fd;
  if (S_ISDIR(ghost.mode)) {
    fd = TRY(make_lost_folder(name, ghost));
  } else if (S_ISREG(ghost.mode)) {
    fd = TRY(create_lost_file(name, linkable));
    TRY(fill(context, ghost, fd.get()));
    // A program cannot be run from a file that anyone has open for writing.
    fd = TRY(open_file(self_path(fd), O_RDONLY));
  } else {
    return Error(ErrorClass::unsupported,
                 name.path + " is a lost file of a kind that cannot be made again");
  }
  return &context.ghosts.emplace(name.ghost, std::move(fd)).first->second;
}

}  // namespace

Result<UniqueFd> open_named(RestoreContext& context, const image::FileNameT& name, int flags) {
  bool linkable = (flags & kTmpFileBit) != 0 || never_had_a_name(name);
  if ((flags & kTmpFileBit) != 0) flags &= ~O_TMPFILE;
  if (name.ghost < 0) return open_file(context.path_of(name), flags | O_NOCTTY);
  UniqueFd* lost = TRY(lost_file(context, name, linkable).within(name.path));
  return open_file(self_path(*lost), (flags & ~O_NOFOLLOW) | O_NOCTTY).within(name.path);
}

bool RegularFile::recognises(const DescriptorRef& ref) const {
  const std::string& link = ref.descriptor.link;
  mode_t mode = ref.descriptor.info.st_mode;
  bool by_path_only = (ref.descriptor.flags() & O_PATH) != 0;
  if (link.empty() || link[0] != '/' || link.starts_with("/memfd:") ||
      link.starts_with("/dev/zero (deleted)"))
    return false;
  if (!S_ISREG(mode) && !S_ISDIR(mode) && !by_path_only) return false;
  struct statfs system {};
  if (::statfs(descriptor_path(ref).c_str(), &system) != 0) return false;
  // Who may write there may have asked to be told of something.
  if (link.starts_with(kPressure) && (ref.descriptor.flags() & O_ACCMODE) != O_RDONLY) return false;
  if (system.f_type == kProcMagic) return tells_of_the_machine(link);
  return system.f_type != kSysMagic && system.f_type != kMqueueMagic &&
         system.f_type != kSecretMemoryMagic;
}

// One that is given up in a moment nobody could tell about: the kernel has asked its holder
// already. Who reads a file's content breaks a lease for writing; of one in a private layer it is
// read beneath.
std::string RegularFile::obstacle(const DescriptorRef& ref) const {
  const std::string& fdinfo = ref.descriptor.fdinfo;
  if (fdinfo.find("LEASE") == std::string::npos) return "";
  if (fdinfo.find("BREAKING") != std::string::npos)
    return ref.descriptor.link +
           ", of which it has a lease that somebody waits for it to give up (F_SETLEASE)";
  struct statfs system {};
  if (fdinfo.find("WRITE") == std::string::npos ||
      ::statfs(descriptor_path(ref).c_str(), &system) != 0 ||
      (system.f_type != TMPFS_MAGIC && system.f_type != RAMFS_MAGIC))
    return "";
  return ref.descriptor.link +
         ", a file in memory of which it has a lease for writing (F_SETLEASE)";
}

Result<image::FileKindUnion> RegularFile::capture(CaptureContext& context,
                                                  const DescriptorRef& ref) const {
  image::RegularFileT file;
  const std::string& link = ref.descriptor.link;
  // What is under /proc/sys depends on who looks there, and we are not of the instance.
  const uint64_t mount = ref.descriptor.mount();
  if (link == kProc || link.starts_with(kBelowProc)) {
    file.name = name_as_told(link, ref.descriptor.info);
    file.name->space = space_of(context, mount);
  } else {
    file.name = TRY(capture_name(context, link, ref.descriptor.info, mount,
                                 [&] { return open_file(descriptor_path(ref), O_RDONLY); }));
  }
  image::FileKindUnion kind;
  kind.Set(std::move(file));
  return kind;
}

Result<UniqueFd> RegularFile::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  const image::FileNameT& name = *file.kind.AsRegularFile()->name;
  int flags = reopen_flags(file.flags) | static_cast<int>(file.flags & kTmpFileBit);
  // What the link itself was opened as must not be followed.
  if ((flags & O_PATH) != 0 && S_ISLNK(name.mode)) flags |= O_NOFOLLOW;
  UniqueFd fd = TRY(open_named(context, name, flags));
  if ((flags & O_PATH) != 0 || file.offset == 0) return fd;
  if (S_ISDIR(name.mode))
    TRY(move_in_folder(fd.get(), file.offset));
  else
    TRY_SYS(::lseek(fd.get(), file.offset, SEEK_SET));
  return fd;
}

}  // namespace appshot::files
