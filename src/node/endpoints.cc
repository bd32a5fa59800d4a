#include "node/endpoints.h"

#include <algorithm>

#include "node/event_log.h"
#include "node/log.h"

namespace appshot {
namespace {

constexpr char kPartSetting[] = "network.part";

bool shares_network(const HarnessConfig& config) {
  return std::ranges::find(config.share, "net") != config.share.end();
}

Result<IpAddress> parse(const std::string& text) {
  std::optional<IpAddress> address = IpAddress::parse(text);
  if (!address) return Error(ErrorClass::corrupt, "'" + text + "' is no address");
  return *address;
}

}  // namespace

Result<> Endpoints::begin() {
  std::lock_guard lock(mutex_);
  const std::vector<LeaseRecord> leases = TRY(registry_.leases());
  if (leases.empty()) return {};
  TRY(ensure_network());
  for (const LeaseRecord& lease : leases)
    if (!lease.standing.empty() || is_there(lease.aid))
      TRY(network_->park(TRY(parse(lease.address))));
  return {};
}

void Endpoints::finish() {
  std::lock_guard lock(mutex_);
  Result<std::vector<LeaseRecord>> leases = registry_.leases();
  if (!network_ || !leases || !leases->empty()) return;
  if (Result<> down = network_->take_down(); !down)
    log_warning(std::move(down).within("the network of instances").error().message());
  network_.reset();
}

Result<> Endpoints::ensure_network() {
  if (network_) return {};
  NodeNetwork::Wish wish;
  std::optional<IpNetwork> whole = IpNetwork::parse(config_.network_range);
  if (!whole || !whole->address.is_v4() || whole->bits > 29 ||
      IpNetwork{whole->address, whole->bits} != *whole)
    return Error(ErrorClass::usage, "'" + config_.network_range + "' is no range of addresses")
        .hint("set range under [network] in the configuration, as in 198.18.0.0/15");
  wish.whole = *whole;
  wish.state_dir = paths_.state_dir;
  wish.part = IpNetwork::parse(TRY(registry_.setting(kPartSetting)));
  const bool has_moved = wish.part && !wish.whole.contains(wish.part->address);
  if (has_moved && TRY(registry_.leases()).empty()) wish.part.reset();
  Result<std::unique_ptr<NodeNetwork>> network = NodeNetwork::set_up(wish);
  if (!network) return std::move(network).within("the network of instances").take_error();
  network_ = std::move(*network);
  return registry_.set_setting(kPartSetting, network_->range().part.text());
}

std::optional<LeaseRecord> Endpoints::find(const std::function<bool(const LeaseRecord&)>& which) {
  Result<std::vector<LeaseRecord>> leases = registry_.leases();
  if (!leases) return std::nullopt;
  auto found = std::ranges::find_if(*leases, which);
  if (found == leases->end()) return std::nullopt;
  return *found;
}

std::optional<LeaseRecord> Endpoints::lease_of(const std::string& aid) {
  return find([&](const LeaseRecord& lease) { return lease.aid == aid; });
}

bool Endpoints::is_there(const std::string& aid) {
  Result<InstanceRecord> record = registry_.instance(aid);
  return record && (is_alive(record->state) || record->state == InstanceState::asleep);
}

Result<IpAddress> Endpoints::take_free(const std::string& aid) {
  const AddressRange& range = network_->range();
  const std::vector<LeaseRecord> leases = TRY(registry_.leases());
  if (next_ == 0 && !leases.empty())
    next_ = TRY(parse(leases.back().address)).number() - range.address(0).number() + 1;
  for (uint32_t tried = 0; tried < range.count(); ++tried) {
    const IpAddress address = range.address(next_++ % range.count());
    const std::string text = address.text();
    if (std::ranges::any_of(leases, [&](const auto& lease) { return lease.address == text; }))
      continue;
    TRY(registry_.add_lease({text, aid, "", unix_time_ms()}));
    return address;
  }
  return Error(ErrorClass::exhausted, "all addresses of " + range.part.text() + " are taken")
      .hint("remove instances that are not needed any more (appshot ps -a)");
}

// The instance comes to be reached; until it is, packets to it wait at nobody's cost.
Result<> Endpoints::settle(const IpAddress& address, HarnessConfig& config) {
  TRY(network_->park(address));
  const EndpointAddresses all = network_->addresses_of(address);
  config.address = all.v4.text();
  config.address_v6 = all.v6.text();
  config.node_address = all.node_v4.text();
  config.node_address_v6 = all.node_v6.text();
  return {};
}

Result<> Endpoints::take(const std::string& aid, HarnessConfig& config) {
  if (shares_network(config)) return {};
  std::lock_guard lock(mutex_);
  if (Result<> ready = ensure_network(); !ready) {
    if (!std::exchange(warned_, true)) log_warning(ready.error().message());
    return {};
  }
  return settle(TRY(take_free(aid)), config);
}

Result<Endpoints::Before> Endpoints::take_again(const Wish& wish, HarnessConfig& config) {
  std::lock_guard lock(mutex_);
  Before before;
  if (wish.address.empty()) return before;
  if (Result<> ready = ensure_network(); !ready) {
    if (!std::exchange(warned_, true)) log_warning(ready.error().message());
    return before;
  }
  before.own = lease_of(wish.aid);
  const IpAddress had = TRY(parse(wish.address));
  std::optional<LeaseRecord> holder =
      find([&](const LeaseRecord& lease) { return lease.address == wish.address; });
  bool keeps = network_->range().part.contains(had);
  if (holder && holder->aid != wish.aid && is_there(holder->aid)) {
    if (!wish.as_another)
      return Error(ErrorClass::conflict,
                   "its address " + wish.address + " is now that of " + holder->aid)
          .hint("stop " + holder->aid + " first, or restore it --as another, with another address");
    keeps = false;
  }
  if (!keeps) {
    if (before.own) return TRY(settle(TRY(parse(before.own->address)), config)), before;
    return TRY(settle(TRY(take_free(wish.aid)), config)), before;
  }
  config.keep_connections = holder && holder->standing == wish.snapshot;
  const bool is_own = holder && holder->aid == wish.aid;
  if (holder && !is_own) {
    before.of_another = holder;
    TRY(registry_.remove_lease(holder->address));
  }
  if (before.own && !is_own) TRY(registry_.remove_lease(before.own->address));
  LeaseRecord now{wish.address, wish.aid, "", is_own ? holder->since_ms : unix_time_ms()};
  TRY(is_own ? registry_.update_lease(now) : registry_.add_lease(now));
  return TRY(settle(had, config)), before;
}

void Endpoints::undo(const std::string& aid, const Before& before) {
  std::lock_guard lock(mutex_);
  if (std::optional<LeaseRecord> now = lease_of(aid)) {
    (void)registry_.remove_lease(now->address);
    const bool stands = (before.own && before.own->address == now->address) ||
                        (before.of_another && before.of_another->address == now->address);
    if (!stands) unpark(*now);
  }
  for (const std::optional<LeaseRecord>& lease : {before.own, before.of_another}) {
    if (!lease) continue;
    (void)registry_.add_lease(*lease);
    if (lease->standing.empty()) unpark(*lease);
  }
}

Result<> Endpoints::stand(const std::string& aid, const std::string& snapshot) {
  std::lock_guard lock(mutex_);
  std::optional<LeaseRecord> lease = lease_of(aid);
  if (!lease) return {};
  lease->standing = snapshot;
  return registry_.update_lease(*lease);
}

void Endpoints::unpark(const LeaseRecord& lease) {
  std::optional<IpAddress> address = IpAddress::parse(lease.address);
  if (!network_ || !address) return;
  if (Result<> gone = network_->unpark(*address); !gone)
    log_warning(std::move(gone).within("the address " + lease.address).error().message());
}

void Endpoints::ended(const std::string& aid) {
  std::lock_guard lock(mutex_);
  std::optional<LeaseRecord> lease = lease_of(aid);
  if (!lease) return;
  unpark(*lease);
  if (lease->standing.empty()) return;
  lease->standing.clear();
  (void)registry_.update_lease(*lease);
}

void Endpoints::dropped(const std::string& snapshot) {
  std::lock_guard lock(mutex_);
  std::optional<LeaseRecord> lease =
      find([&](const LeaseRecord& each) { return each.standing == snapshot; });
  if (!lease || is_there(lease->aid)) return;
  unpark(*lease);
  lease->standing.clear();
  (void)registry_.update_lease(*lease);
}

void Endpoints::release(const std::string& aid) {
  std::lock_guard lock(mutex_);
  std::optional<LeaseRecord> lease = lease_of(aid);
  if (!lease) return;
  unpark(*lease);
  (void)registry_.remove_lease(lease->address);
}

Result<std::vector<NodeNetwork::Traffic>> Endpoints::traffic() {
  std::lock_guard lock(mutex_);
  if (!network_) return std::vector<NodeNetwork::Traffic>();
  return network_->traffic();
}

}  // namespace appshot
