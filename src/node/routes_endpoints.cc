// /v1/endpoints: which virtual address leads where, and which ports lead to it.
#include <algorithm>

#include "node/routes.h"

namespace appshot {
namespace {

// Up: it leads to an instance that runs. Asleep: to one that will be back. Down: to nobody.
const char* state_of(const InstanceRecord& record, const LeaseRecord& lease, bool has_cable) {
  if (is_alive(record.state)) return has_cable ? "up" : "down";
  return lease.standing.empty() ? "down" : "asleep";
}

Result<Json> list(Node& node) {
  const std::vector<NodeNetwork::Traffic> traffic = TRY(node.endpoints.traffic());
  const std::vector<Endpoints::Published> published = node.endpoints.published();
  Json endpoints = Json::array();
  for (const LeaseRecord& lease : TRY(node.registry.leases())) {
    Result<InstanceRecord> record = node.registry.instance(lease.aid);
    if (!record) continue;  // just removed
    auto cable = std::ranges::find_if(traffic, [&](const NodeNetwork::Traffic& one) {
      return one.address.text() == lease.address;
    });
    const bool has_cable = cable != traffic.end();
    const std::optional<IpAddress> address = IpAddress::parse(lease.address);
    Json ports = Json::array();
    for (const Endpoints::Published& one : published)
      if (one.aid == lease.aid) ports.push_back(one.port.text());
    endpoints.push_back({{"aid", lease.aid},
                         {"address", lease.address},
                         {"address_v6", address ? v6_of(*address).text() : ""},
                         {"node", "local"},
                         {"actual", has_cable ? cable->device : ""},
                         {"state", state_of(*record, lease, has_cable)},
                         {"to_instance_bytes", has_cable ? cable->to_instance_bytes : 0},
                         {"from_instance_bytes", has_cable ? cable->from_instance_bytes : 0},
                         {"since_ms", lease.since_ms},
                         {"ports", std::move(ports)}});
  }
  return Json{{"endpoints", std::move(endpoints)}};
}

}  // namespace

void add_endpoint_routes(Router& router, Services& services) {
  router.add("GET", "/v1/endpoints",
             [&](Call& call) { answer_result_of(call, list(services.node)); });
}

}  // namespace appshot
