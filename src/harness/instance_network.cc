#include "harness/instance_network.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <set>

#include "os/fault.h"
#include "os/file.h"
#include "os/network_namespace.h"
#include "os/sock_diag.h"
#include "resources/inet.h"

namespace appshot {
namespace {

constexpr int kLookMs = 2;

}  // namespace

EndpointAddresses addresses_of(const HarnessConfig& config) {
  auto parsed = [](const std::string& text) {
    return IpAddress::parse(text).value_or(IpAddress());
  };
  return {parsed(config.address), parsed(config.address_v6), parsed(config.node_address),
          parsed(config.node_address_v6), parsed(config.inner_address)};
}

InstanceNetwork InstanceNetwork::prepare() {
  InstanceNetwork network;
  network.network_ = OwnNetwork::prepare();
  (void)!network.get_to_know();
  if (network.network_.host() >= 0) (void)!network.lay_cable();
  return network;
}

Result<> InstanceNetwork::replace(int network) {
  cable_.reset();
  known_ = {};
  TRY(network_.enter(network));
  return get_to_know();
}

Result<> InstanceNetwork::get_to_know() {
  known_.setting_writes = TRY(SettingWrites::prepare());
  if (network_.host() < 0) return {};
  known_.when_new = TRY(networks::look());
  networks::Watch watch = TRY(networks::Watch::begin());
  TRY(watch.settle());  // while nobody waits; from then on it is told
  known_.watch = std::move(watch);
  return {};
}

Result<> InstanceNetwork::lay_cable() {
  NetlinkSocket host =
      TRY(in_namespace(network_.host(), [] { return NetlinkSocket::open(NETLINK_ROUTE); }));
  cable_.emplace(TRY(Cable::lay(std::move(host), network_.host())));
  return {};
}

Result<> InstanceNetwork::enter(const HarnessConfig& config) {
  TRY(network_.enter());
  addresses_ = addresses_of(config);
  if (!addresses_.v4)
    cable_.reset();
  else
    TRY(give_addresses(config));
  if (known_.watch) TRY(known_.watch->settle());  // all of that was us
  return {};
}

Result<> InstanceNetwork::give_addresses(const HarnessConfig& config) {
  if (!cable_) TRY(lay_cable());
  TRY(cable_->give(addresses_));
  // Should the restore fail, its connections are still where they were; and nothing may go out in
  // the name that it has inside.
  return config.keep_connections || addresses_.inner_v4 ? mute() : Result<>();
}

void InstanceNetwork::watch_settings(int group) {
  if (known_.setting_writes) (void)!known_.setting_writes->watch(group);
}

Result<> InstanceNetwork::leave() {
  cable_.reset();  // what these hold would keep the namespace alive
  known_.watch.reset();
  return network_.leave();
}

Result<> InstanceNetwork::translate() {
  if (!cable_ || !addresses_.inner_v4 || is_translated_) return {};
  TRY(fault_point("restore.translate"));
  TRY(cable_->translate(addresses_));
  is_translated_ = true;
  return {};
}

Result<> InstanceNetwork::plug() {
  if (!cable_) return {};
  TRY(translate());
  TRY(cable_->plug(addresses_));
  return unmute();
}

Result<> InstanceNetwork::await_sent(Deadline deadline) {
  if (!cable_) return {};
  for (;;) {
    const std::vector<UnfinishedSending> left =
        TRY(namespace_ ? in_namespace(namespace_.get(), list_unfinished_sending)
                       : list_unfinished_sending());
    auto outside = std::ranges::find_if(
        left, [](const UnfinishedSending& one) { return !is_loopback(one.peer); });
    if (outside == left.end()) return {};
    if (deadline.passed())
      return Error(ErrorClass::timeout,
                   "a connection that the application has closed has " +
                       std::to_string(outside->bytes) + " bytes that its peer at port " +
                       std::to_string(port_of(outside->peer)) + " has not taken");
    ::poll(nullptr, 0, kLookMs);
  }
}

Result<> InstanceNetwork::mute() {
  if (!cable_ || is_muted_) return {};
  TRY(cable_->mute());
  is_muted_ = true;
  return {};
}

Result<> InstanceNetwork::await_handshakes(Deadline deadline) {
  if (!cable_) return {};
  auto list = [&] {
    return namespace_ ? in_namespace(namespace_.get(), list_handshakes) : list_handshakes();
  };
  // Who asks from now on is not answered.
  std::set<std::vector<uint8_t>> answered = TRY(list());
  std::erase_if(answered, [](const auto& peer) { return is_loopback(peer); });
  while (!answered.empty() && !deadline.passed()) {
    ::poll(nullptr, 0, kLookMs);
    const std::set<std::vector<uint8_t>> now = TRY(list());
    std::erase_if(answered, [&](const auto& peer) { return !now.contains(peer); });
  }
  return {};
}

Result<> InstanceNetwork::unmute() {
  if (!cable_ || !is_muted_) return {};
  TRY(cable_->unmute());
  is_muted_ = false;
  return {};
}

void InstanceNetwork::unplug() {
  if (cable_) (void)!cable_->unplug(addresses_);  // else they go when the namespace does
}

Result<> InstanceNetwork::find(const HarnessConfig& config, HostPid init) {
  addresses_ = addresses_of(config);
  if (!addresses_.v4) return {};
  UniqueFd inside =
      TRY(open_file("/proc/" + std::to_string(init.value) + "/ns/net", O_RDONLY | O_CLOEXEC));
  NetlinkSocket socket =
      TRY(in_namespace(inside.get(), [] { return NetlinkSocket::open(NETLINK_ROUTE); }));
  namespace_ = std::move(inside);
  cable_.emplace(TRY(Cable::find(TRY(NetlinkSocket::open(NETLINK_ROUTE)), std::move(socket))));
  (void)!cable_->unmute();  // by a harness that has died while it took a snapshot
  return {};
}

}  // namespace appshot
