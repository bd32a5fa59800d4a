#include "resources/unix_sockets/unheld_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

namespace appshot::unix_sockets {
namespace {

constexpr char kWhere[] = "on its way through a UNIX socket";
constexpr uint32_t kLargeFile = 0100000;  // the kernel's O_LARGEFILE; glibc's is 0

// All that opening it once more can bring about.
constexpr uint32_t kFlags = O_ACCMODE | O_NONBLOCK | O_APPEND | O_CLOEXEC | kLargeFile;

const char* words(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "a file";
    case S_IFDIR:
      return "a folder";
    case S_IFSOCK:
      return "a socket";
    case S_IFIFO:
      return "a pipe";
    case S_IFCHR:
    case S_IFBLK:
      return "a device";
    default:
      return "an object without a name";  // eventfd and the like
  }
}

}  // namespace

Result<int> UnheldFiles::index_of(uint64_t address, const std::string& listener) {
  if (auto known = known_.find(address); known != known_.end()) return known->second;
  UniqueFd file = TRY(find(address));
  if (file) {
    const int index = TRY(context_.keep_in_flight(std::move(file), kWhere));
    known_[address] = index;
    return index;
  }
  const KernelFile lost = TRY(describe_file(kernel_, address));
  context_.obstacles.add(
      listener + " to which a client has sent a descriptor of " + words(lost.mode) + " (inode " +
          std::to_string(lost.number) + ") that no process has open, before it was accepted",
      "let the application accept it first, or keep what is sent open until then");
  return 0;
}

// Nothing: it is nowhere.
Result<UniqueFd> UnheldFiles::find(uint64_t address) {
  if (!looked_) TRY(look_at_all());
  if (auto found = files_.find(address); found != files_.end()) return copy_of(found->second);
  return open_again(TRY(describe_file(kernel_, address)));
}

Result<> UnheldFiles::look_at_all() {
  looked_ = true;
  for (const ProcessSource& process : processes_)
    for (const DescriptorSource& descriptor : process.descriptors) {
      const Place place{&process, descriptor.fd};
      UniqueFd copy = TRY(copy_of(place));
      TRY(note(place, copy.get()));
    }
  for (const UniqueFd& file : context_.in_flight) TRY(note({nullptr, file.get()}, file.get()));
  return {};
}

Result<> UnheldFiles::note(Place place, int copy) {
  const uint64_t address = TRY(file_address(kernel_, copy));
  if (!files_.emplace(address, place).second) return {};
  const KernelFile file = TRY(describe_file(kernel_, address));
  if (S_ISFIFO(file.mode)) pipes_.emplace(file.inode, place);
  return {};
}

Result<UniqueFd> UnheldFiles::copy_of(Place place) const {
  if (place.process != nullptr) return place.process->pidfd.take_copy(place.fd);
  return UniqueFd(TRY_SYS(::fcntl(place.fd, F_DUPFD_CLOEXEC, 0)));
}

// A description of a pipe says no more than which end it is, so another one is as good.
Result<UniqueFd> UnheldFiles::open_again(const KernelFile& file) {
  auto pipe = pipes_.find(file.inode);
  if (pipe == pipes_.end() || file.has_locks || (file.flags & ~kFlags) != 0) return UniqueFd();
  UniqueFd any_end = TRY(copy_of(pipe->second));
  const int access = static_cast<int>(file.flags & O_ACCMODE);
  Result<UniqueFd> end =
      open_file("/proc/self/fd/" + std::to_string(any_end.get()), access | O_NONBLOCK | O_CLOEXEC);
  if (!end) return UniqueFd();
  TRY_SYS(::fcntl(end->get(), F_SETFL, file.flags & (O_NONBLOCK | O_APPEND)));
  return end;
}

}  // namespace appshot::unix_sockets
