#include "isolation/hidden.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <algorithm>

#include "os/in_root.h"

namespace appshot {
namespace {

bool lies_in(const std::string& path, const std::string& folder) {
  return folder == "/" || path == folder || path.starts_with(folder + "/");
}

}  // namespace

bool is_hidden(const Hidden& hidden, const std::string& path) {
  return std::ranges::any_of(hidden,
                             [&](const std::string& folder) { return lies_in(path, folder); });
}

Result<> hide_below(int root, const Hidden& hidden, const std::string& from,
                    const std::string& path) {
  for (const std::string& folder : hidden) {
    if (!lies_in(folder, from)) continue;
    const std::string rest = folder.substr(from == "/" ? 0 : from.size());
    const Result<UniqueFd> place =
        open_in_root(root, (path == "/" ? "" : path) + rest, O_PATH | O_DIRECTORY);
    if (!place) continue;  // it is not seen there
    const std::string target = "/proc/self/fd/" + std::to_string(place->get());
    if (::mount("hidden", target.c_str(), "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                "mode=755,size=4k") != 0)
      return Error::from_errno(errno, "hide " + folder);
  }
  return {};
}

}  // namespace appshot
