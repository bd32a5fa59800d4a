#include "isolation/own_network.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <string>

#include "os/file.h"

namespace appshot {
namespace {

Result<> bring_up_loopback() {
  UniqueFd socket(TRY_SYS(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  ifreq request{};
  std::string("lo").copy(request.ifr_name, IFNAMSIZ - 1);
  TRY_SYS(::ioctl(socket.get(), SIOCGIFFLAGS, &request));
  request.ifr_flags |= IFF_UP;
  TRY_SYS(::ioctl(socket.get(), SIOCSIFFLAGS, &request));
  return {};
}

}  // namespace

OwnNetwork OwnNetwork::prepare() {
  OwnNetwork network;
  (void)!network.enter();
  return network;
}

Result<> OwnNetwork::enter() {
  if (before_) return {};
  UniqueFd before = TRY(open_file("/proc/self/ns/net", O_RDONLY));
  TRY_SYS(::unshare(CLONE_NEWNET));
  before_ = std::move(before);
  return bring_up_loopback();
}

Result<> OwnNetwork::enter(int network) {
  UniqueFd before = before_ ? UniqueFd() : TRY(open_file("/proc/self/ns/net", O_RDONLY));
  TRY_SYS(::setns(network, CLONE_NEWNET));
  if (before) before_ = std::move(before);
  return bring_up_loopback();
}

Result<> OwnNetwork::leave() {
  if (!before_) return {};
  TRY_SYS(::setns(before_.get(), CLONE_NEWNET));
  before_.reset();
  return {};
}

}  // namespace appshot
