#include "isolation/resolver.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "isolation/public_path.h"
#include "os/file.h"
#include "os/in_root.h"
#include "os/resolv_conf.h"

namespace appshot {
namespace {

constexpr char kHosts[] = "/etc/hosts";

std::string instead(const std::string& info) {
  std::string own = info + kOwnResolvConf;
  if (::access(own.c_str(), R_OK) == 0) return own;
  const Result<std::string> asked = read_file(kResolvConf);
  return asked && names_only_loopback(*asked) ? upstream_resolv_conf() : "";
}

// A link may stand there that leads to what only its own system makes.
Result<> lend(int root, const std::string& from, const std::string& path) {
  Result<> shown = show_public_path(root, {from, path, true}, {});
  if (shown || shown.error().err() != EEXIST) return shown;
  const UniqueFd etc = TRY(open_in_root(root, "/etc", O_PATH | O_DIRECTORY));
  TRY_SYS(::unlinkat(etc.get(), path.substr(path.find_last_of('/') + 1).c_str(), 0));
  return show_public_path(root, {from, path, true}, {});
}

}  // namespace

Result<> lend_resolver(int root, const std::string& info) {
  const std::string other = info.empty() ? "" : instead(info);
  for (const auto& [from, path] :
       {std::pair(other.empty() ? std::string(kResolvConf) : other, kResolvConf),
        std::pair(std::string(kHosts), kHosts)})
    if (::access(from.c_str(), R_OK) == 0) TRY(lend(root, from, path));
  return {};
}

Result<> bypass_local_resolver(const std::string& root, const std::string& info) {
  const std::string other = instead(info);
  if (other.empty()) return {};
  const std::unique_ptr<char, decltype(&::free)> real(::realpath(kResolvConf, nullptr), &::free);
  if (!real) return {};
  const std::string target = root + real.get();
  TRY_SYS(::mount(other.c_str(), target.c_str(), nullptr, MS_BIND, nullptr));
  TRY_SYS(::mount(nullptr, target.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr));
  return {};
}

}  // namespace appshot
