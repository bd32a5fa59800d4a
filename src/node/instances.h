// What users do with instances: launch, look at, signal, stop, remove them, and talk to them.
#pragma once

#include <string>

#include "node/environments.h"
#include "node/lifecycle.h"
#include "node/node.h"
#include "protocol/json.h"

namespace appshot {

class Instances {
 public:
  Instances(Node& node, Lifecycle& lifecycle, Environments& environments)
      : node_(node), lifecycle_(lifecycle), environments_(environments) {}

  // The request and the description are those of docs/openapi.json.
  Result<Json> launch(const Json& request);
  Result<Json> list(bool all);
  Result<Json> describe(const std::string& aid, bool with_records);

  Result<Json> start(const std::string& aid);
  // A further program that becomes a part of the application.
  Result<Json> join(const std::string& aid, const Json& request);
  Result<Json> kill(const std::string& aid, int signal, int64_t virtual_pid);
  Result<Json> stop(const std::string& aid, int64_t timeout_ms);
  // Until it has ended and everything of it is settled.
  Result<Json> wait(const std::string& aid, int64_t timeout_ms);
  Result<Json> remove(const std::string& aid, bool force);
  Result<Json> rids(const std::string& aid);
  Result<Json> check(const std::string& aid);
  Result<Json> why(const std::string& aid);

  // Whether attach or exec makes sense now: asked before the client's connection becomes a stream.
  Result<> reachable(const std::string& aid);
  // Hands the client's connection to the harness: op is attach or exec.
  Result<> hand_over(const std::string& aid, std::string_view op, const Json& arguments,
                     int stream);

 private:
  Result<Json> ask(const std::string& aid, std::string_view op, Json arguments = Json::object());
  Result<> start_launched(const std::string& aid, const Json& request);

  Node& node_;
  Lifecycle& lifecycle_;
  Environments& environments_;
};

// The description of an instance from its record, and from what its harness says (or null).
Json describe_instance(Node& node, const InstanceRecord& record, const Json& status,
                       const std::string& busy);

}  // namespace appshot
