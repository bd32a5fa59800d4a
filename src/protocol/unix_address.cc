#include "protocol/unix_address.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "os/unique_fd.h"

namespace appshot {
namespace {

using Call = int (*)(int, const sockaddr*, socklen_t);

Result<> call_with_address(Call call, const char* name, int socket, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  UniqueFd folder;
  std::string short_path = path;
  if (path.size() >= sizeof(address.sun_path)) {
    size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) return Error::from_errno(ENAMETOOLONG, name + (" " + path));
    folder.reset(TRY_SYS(::open(path.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)));
    short_path = "/proc/self/fd/" + std::to_string(folder.get()) + path.substr(slash);
    if (short_path.size() >= sizeof(address.sun_path))
      return Error::from_errno(ENAMETOOLONG, name + (" " + path));
  }
  std::memcpy(address.sun_path, short_path.data(), short_path.size());
  int result;
  do {
    result = call(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  } while (result < 0 && errno == EINTR);
  if (result < 0) return Error::from_errno(errno, name + (" " + path));
  return {};
}

}  // namespace

Result<> connect_unix(int socket, const std::string& path) {
  return call_with_address(::connect, "connect", socket, path);
}

Result<> bind_unix(int socket, const std::string& path) {
  return call_with_address(::bind, "bind", socket, path);
}

}  // namespace appshot
