#include "isolation/resolver.h"

#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include <memory>

#include "os/file.h"
#include "os/resolv_conf.h"

namespace appshot {
namespace {

std::string instead(const std::string& info) {
  std::string own = info + kOwnResolvConf;
  if (::access(own.c_str(), R_OK) == 0) return own;
  const Result<std::string> asked = read_file(kResolvConf);
  return asked && names_only_loopback(*asked) ? upstream_resolv_conf() : "";
}

}  // namespace

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
