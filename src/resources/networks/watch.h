// Whether anything was configured in a network namespace. The kernel tells whoever listens, so most
// snapshots need not look: lists are made under a lock that all namespaces share, and which is held
// for milliseconds while one of them is taken away.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/result.h"
#include "os/netlink.h"

namespace appshot::networks {

class Watch {
 public:
  // Of the calling thread's namespace, of which nothing is known yet.
  static Result<Watch> begin();

  // What there is now is known, by a look or because it is ours. Called in the namespace.
  Result<> settle();
  // Since then; by anybody but appshot and the kernel itself.
  bool may_have_changed();

 private:
  Watch(NetlinkSocket route, NetlinkSocket filters)
      : route_(std::move(route)), filters_(std::move(filters)) {}

  void take_news();
  bool is_change(const NetlinkAnswer& news);
  bool is_change_of_device(const NetlinkAnswer& news);
  Result<> list_devices_anew();

  NetlinkSocket route_;
  NetlinkSocket filters_;
  bool changed_ = true;
  bool missed_some_ = true;
  std::map<int, std::vector<uint8_t>> devices_;  // by number, what of each can be set
};

}  // namespace appshot::networks
