// endpoints, ports: where virtual addresses and published ports lead.
#include "cli/commands.h"
#include "cli/text.h"

namespace appshot {
namespace {

struct Port {
  std::string aid;
  std::string given;  // [ADDRESS:]PORT:PORT[/udp]
  std::string address;
  std::string state;
};

// "127.0.0.1:8080:80/udp" leads from "127.0.0.1:8080/udp" to "80".
struct Ends {
  std::string outside, inside;
};
Ends ends_of(const std::string& given) {
  const size_t slash = given.rfind('/');
  const std::string protocol = slash == std::string::npos ? "" : given.substr(slash);
  const std::string plain = given.substr(0, slash);
  const size_t colon = plain.rfind(':');
  return {plain.substr(0, colon) + protocol, plain.substr(colon + 1)};
}

std::vector<Port> ports_of(const Json& endpoints) {
  std::vector<Port> ports;
  for (const Json& endpoint : endpoints)
    for (const std::string& given : strings_at(endpoint, "ports"))
      ports.push_back({string_at(endpoint, "aid"), given, string_at(endpoint, "address"),
                       string_at(endpoint, "state")});
  return ports;
}

}  // namespace

int command_endpoints(Context& context) {
  Result<Json> answer = context.api.get("/v1/endpoints");
  if (!answer) return fail(answer.error());
  const Json& list = field(*answer, "endpoints");
  if (context.options.json) {
    print_json(list);
    return 0;
  }
  if (context.options.quiet) {
    for (const Json& endpoint : list) print(string_at(endpoint, "address") + "\n");
    return 0;
  }
  Table table({"ADDRESS", "AID", "STATE", "ACTUAL", "TO IT", "FROM IT", "SINCE"});
  for (const Json& endpoint : list) {
    const std::string actual = string_at(endpoint, "actual");
    table.add({string_at(endpoint, "address"), string_at(endpoint, "aid"),
               string_at(endpoint, "state"),
               actual.empty() ? "-" : string_at(endpoint, "node") + " " + actual,
               human_bytes(int_at(endpoint, "to_instance_bytes")),
               human_bytes(int_at(endpoint, "from_instance_bytes")),
               clock_time(int_at(endpoint, "since_ms"))});
  }
  print(table.text());
  return 0;
}

int command_ports(Context& context) {
  Result<Json> answer = context.api.get("/v1/endpoints");
  if (!answer) return fail(answer.error());
  const std::vector<Port> ports = ports_of(field(*answer, "endpoints"));
  if (context.options.json) {
    Json list = Json::array();
    for (const Port& port : ports)
      list.push_back({{"aid", port.aid},
                      {"port", port.given},
                      {"address", port.address},
                      {"state", port.state}});
    print_json(list);
    return 0;
  }
  if (context.options.quiet) {
    for (const Port& port : ports) print(port.given + "\n");
    return 0;
  }
  Table table({"PORT", "AID", "LEADS TO", "STATE"});
  for (const Port& port : ports) {
    const Ends ends = ends_of(port.given);
    table.add({ends.outside, port.aid, port.address + ":" + ends.inside, port.state});
  }
  print(table.text());
  return 0;
}

}  // namespace appshot
