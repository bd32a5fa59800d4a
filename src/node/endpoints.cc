#include "node/endpoints.h"

#include <algorithm>
#include <charconv>

#include "node/event_log.h"
#include "node/log.h"
#include "os/resolv_conf.h"

namespace appshot {
namespace {

constexpr char kPartSetting[] = "network.part";
constexpr char kNamesSetting[] = "network.names";  // a port; empty: nobody has needed it
constexpr uint16_t kNamesPort = 53;

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
  let_go_of_unknown();
  const std::vector<LeaseRecord> leases = TRY(registry_.leases());
  if (leases.empty()) return {};
  TRY(ensure_network());
  if (!TRY(registry_.setting(kNamesSetting)).empty())
    if (Result<> served = serve_names(); !served) log_warning(served.error().message());
  for (const LeaseRecord& lease : leases) {
    if (lease.standing.empty() && !is_there(lease.aid)) continue;
    TRY(network_->park(TRY(parse(lease.address))));
    Publication publication = TRY(publication_of(lease));
    if (publication.ports.empty()) continue;
    TRY(network_->publish(publication));
    // Somebody may have taken one while no daemon kept it.
    if (Result<> claimed = claim(lease.aid, publication.ports); !claimed)
      log_warning(lease.aid + ": " + claimed.error().message());
    claimed_[lease.aid].publication = std::move(publication);
  }
  return {};
}

// A daemon with the same folder was killed, and the folder removed, or what was in it.
void Endpoints::let_go_of_unknown() {
  Result<std::vector<HeldConnections::Holder>> holders = held_.holders();
  if (!holders) return log_warning(holders.error().message());
  for (const HeldConnections::Holder& holder : *holders)
    if (!registry_.snapshot(holder.snapshot))
      if (Result<> gone = held_.let_go_of_snapshot(holder.snapshot); !gone)
        log_warning(gone.error().message());
}

void Endpoints::let_go(const std::string& aid) {
  if (Result<> gone = held_.let_go_of_instance(aid); !gone)
    log_warning(std::move(gone).within("connections of " + aid).error().message());
}

void Endpoints::runs(const std::string& aid) {
  std::lock_guard lock(mutex_);
  let_go(aid);
}

Result<Publication> Endpoints::publication_of(const LeaseRecord& lease) {
  Publication publication;
  Json spec = TRY(parse_json(TRY(registry_.instance(lease.aid)).spec));
  for (const std::string& port : strings_at(spec, "ports"))
    publication.ports.push_back(TRY(PublishedPort::parse(port)));
  publication.instance = network_->addresses_of(TRY(parse(lease.address)));
  return publication;
}

Result<> Endpoints::claim(const std::string& aid, std::vector<PublishedPort>& ports) {
  for (const auto& [owner, claimed] : claimed_)
    for (const PublishedPort& theirs : claimed.publication.ports)
      for (const PublishedPort& port : ports)
        if (collide(port, theirs))
          return Error(ErrorClass::conflict, "port " + std::to_string(port.port) +
                                                 (port.udp ? "/udp" : "") + " is published by " +
                                                 owner)
              .hint("publish another port, or stop " + owner + " first");
  std::vector<PortClaim> claims;
  for (PublishedPort& port : ports) {
    claims.push_back(TRY(PortClaim::take(port)));
    port.port = claims.back().port();
  }
  claimed_[aid].claims = std::move(claims);
  return {};
}

Result<> Endpoints::publish(const std::string& aid, const IpAddress& address,
                            std::vector<std::string>& ports) {
  if (ports.empty() || claimed_.contains(aid)) return {};
  Publication publication;
  for (const std::string& port : ports)
    publication.ports.push_back(TRY(PublishedPort::parse(port)));
  publication.instance = network_->addresses_of(address);
  TRY(claim(aid, publication.ports));
  Result<> published = network_->publish(publication);
  if (!published) {
    claimed_.erase(aid);
    return published;
  }
  for (size_t i = 0; i < ports.size(); ++i)
    if (TRY(PublishedPort::parse(ports[i])).port == 0) ports[i] = publication.ports[i].text();
  claimed_[aid].publication = std::move(publication);
  return {};
}

void Endpoints::withdraw(const std::string& aid) {
  auto claimed = claimed_.find(aid);
  if (claimed == claimed_.end()) return;
  if (Result<> withdrawn = network_->withdraw(claimed->second.publication); !withdrawn)
    log_warning(std::move(withdrawn).within("the ports of " + aid).error().message());
  claimed_.erase(claimed);
}

std::vector<Endpoints::Published> Endpoints::published() {
  std::lock_guard lock(mutex_);
  std::vector<Published> all;
  for (const auto& [aid, claimed] : claimed_)
    for (const PublishedPort& port : claimed.publication.ports) all.push_back({aid, port});
  return all;
}

void Endpoints::finish() {
  std::lock_guard lock(mutex_);
  Result<std::vector<LeaseRecord>> leases = registry_.leases();
  if (!network_ || !leases || !leases->empty()) return;
  if (Result<> down = network_->take_down(); !down)
    log_warning(std::move(down).within("the network of instances").error().message());
  network_.reset();
  names_.reset();
  (void)!registry_.set_setting(kNamesSetting, "");
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
  network_ = TRY(NodeNetwork::set_up(wish).within("the network of instances"));
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
Result<> Endpoints::settle(const IpAddress& address, const IpAddress& inner,
                           HarnessConfig& config) {
  TRY(network_->park(address));
  const EndpointAddresses all = network_->addresses_of(address);
  config.address = all.v4.text();
  config.address_v6 = all.v6.text();
  config.inner_address = inner == address ? "" : inner.text();
  config.node_address = all.node_v4.text();
  config.node_address_v6 = all.node_v6.text();
  if (!has_only_local_names()) return {};
  Result<> served = serve_names();
  if (served)
    config.name_server = config.node_address;
  else if (!std::exchange(warned_of_names_, true))
    log_warning(served.error().message());
  return {};
}

// Whoever has been told of it asks there as long as it lives: where it is, is kept.
Result<> Endpoints::serve_names() {
  if (names_) return {};
  const AddressRange& range = network_->range();
  const std::string before = TRY(registry_.setting(kNamesSetting));
  NameRelay::Wish wish{range.node_address(), range.part, 0, {}};
  std::from_chars(before.data(), before.data() + before.size(), wish.port);
  wish.servers = [node = wish.at] { return servers_of_machine(node); };
  auto names = NameRelay::start(wish);
  if (!names) return std::move(names).within("asking for names of instances").take_error();
  TRY(network_->lead(kNamesPort, (*names)->port()).within("asking for names of instances"));
  names_ = std::move(*names);
  return registry_.set_setting(kNamesSetting, std::to_string(names_->port()));
}

Result<> Endpoints::take(const std::string& aid, HarnessConfig& config) {
  if (shares_network(config)) {
    if (config.ports.empty()) return {};
    return Error(ErrorClass::usage, "ports are not published with --share net")
        .hint("its ports are the host's own already; leave out -p");
  }
  std::lock_guard lock(mutex_);
  if (Result<> ready = ensure_network(); !ready) {
    if (!config.ports.empty()) return ready;
    if (!std::exchange(warned_, true)) log_warning(ready.error().message());
    return {};
  }
  const IpAddress address = TRY(take_free(aid));
  TRY(settle(address, address, config));
  return publish(aid, address, config.ports);
}

Result<Endpoints::Before> Endpoints::take_again(const Wish& wish, HarnessConfig& config) {
  std::lock_guard lock(mutex_);
  if (wish.address.empty() && wish.inner_address.empty()) {
    if (wish.fresh) return Before();
    // Where the kernel has no such tables, none are held.
    for (const HeldConnections::Holder& holder : held_.holders().value_or({}))
      if (holder.snapshot == wish.snapshot) config.keep_connections = true;
    return Before();
  }
  Wish whole = wish;
  if (wish.address.empty()) whole.address = wish.inner_address;
  if (wish.inner_address.empty()) whole.inner_address = wish.address;
  if (Result<> ready = ensure_network(); !ready) {
    if (!std::exchange(warned_, true)) log_warning(ready.error().message());
    config.inner_address = whole.inner_address;  // where there is a network again
    return Before();
  }
  return find_place(whole, wish.address.empty(), config);
}

Result<Endpoints::Before> Endpoints::find_place(const Wish& wish, bool is_from_elsewhere,
                                                HarnessConfig& config) {
  Before before;
  before.own = lease_of(wish.aid);
  const IpAddress had = TRY(parse(wish.address)), inner = TRY(parse(wish.inner_address));
  std::optional<LeaseRecord> holder =
      find([&](const LeaseRecord& lease) { return lease.address == wish.address; });
  // Nobody here knows one from elsewhere by any address, so it takes none from somebody who may
  // be back.
  const bool is_taken =
      holder && holder->aid != wish.aid && (is_from_elsewhere || is_there(holder->aid));
  if (is_taken && !wish.as_another && !wish.fresh && !is_from_elsewhere)
    return Error(ErrorClass::conflict,
                 "its address " + wish.address + " is now that of " + holder->aid)
        .hint("stop " + holder->aid + " first, or restore it --as another, with another address");
  config.ports = wish.ports;
  Result<IpAddress> given = had;
  if (is_taken || wish.fresh || !network_->range().part.contains(had)) {
    given = before.own ? parse(before.own->address) : take_free(wish.aid);
  } else {
    config.keep_connections = holder && holder->standing == wish.snapshot;
    if (holder && holder->aid != wish.aid) before.of_another = holder;
    TRY(move_lease(wish, before));
  }
  Result<> settled = given ? settle(*given, inner, config) : given.take_error();
  if (settled) settled = publish(wish.aid, *given, config.ports);
  if (settled) return before;
  put_back(wish.aid, before);
  return settled.take_error();
}

// From whoever has it, and is not there, to the one that is restored.
Result<> Endpoints::move_lease(const Wish& wish, const Before& before) {
  if (before.of_another) {
    withdraw(before.of_another->aid);
    TRY(registry_.remove_lease(before.of_another->address));
  }
  if (before.own && before.own->address == wish.address)
    return registry_.update_lease({wish.address, wish.aid, "", before.own->since_ms});
  if (before.own) TRY(registry_.remove_lease(before.own->address));
  return registry_.add_lease({wish.address, wish.aid, "", unix_time_ms()});
}

void Endpoints::undo(const std::string& aid, const Before& before) {
  std::lock_guard lock(mutex_);
  put_back(aid, before);
}

void Endpoints::put_back(const std::string& aid, const Before& before) {
  if (std::optional<LeaseRecord> now = lease_of(aid)) {
    (void)registry_.remove_lease(now->address);
    const bool stands = (before.own && before.own->address == now->address) ||
                        (before.of_another && before.of_another->address == now->address);
    if (!stands) unpark(*now);
  }
  for (const std::optional<LeaseRecord>& lease : {before.own, before.of_another}) {
    if (!lease) continue;
    (void)registry_.add_lease(*lease);
    if (!lease->standing.empty()) continue;
    unpark(*lease);
    withdraw(lease->aid);
  }
  if (!before.own) withdraw(aid);
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
  let_go(aid);
  std::optional<LeaseRecord> lease = lease_of(aid);
  if (!lease) return;
  withdraw(aid);
  unpark(*lease);
  if (lease->standing.empty()) return;
  lease->standing.clear();
  (void)registry_.update_lease(*lease);
}

void Endpoints::dropped(const std::string& snapshot) {
  std::lock_guard lock(mutex_);
  if (Result<> gone = held_.let_go_of_snapshot(snapshot); !gone)
    log_warning(std::move(gone).within("connections in " + snapshot).error().message());
  std::optional<LeaseRecord> lease =
      find([&](const LeaseRecord& each) { return each.standing == snapshot; });
  if (!lease || is_there(lease->aid)) return;
  withdraw(lease->aid);
  unpark(*lease);
  lease->standing.clear();
  (void)registry_.update_lease(*lease);
}

void Endpoints::release(const std::string& aid) {
  std::lock_guard lock(mutex_);
  let_go(aid);
  std::optional<LeaseRecord> lease = lease_of(aid);
  if (!lease) return;
  withdraw(aid);
  unpark(*lease);
  (void)registry_.remove_lease(lease->address);
}

Result<std::vector<NodeNetwork::Traffic>> Endpoints::traffic() {
  std::lock_guard lock(mutex_);
  if (!network_) return std::vector<NodeNetwork::Traffic>();
  return network_->traffic();
}

}  // namespace appshot
