// What a harness is told when it begins: the document of its first packet.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "os/controllers.h"
#include "protocol/json.h"

namespace appshot {

// What a program and all that it starts may do beyond what every program may.
struct Privileges {
  bool all = false;                       // --privileged: as root on the host, devices included
  std::vector<std::string> capabilities;  // else these
  bool setuid = false;                    // programs may give who runs them more (setuid)

  bool operator==(const Privileges&) const = default;
};

struct HarnessConfig {
  std::string mode = "launch";  // launch, restore, adopt; seed, which needs an image alone
  std::string aid;
  std::string state_dir;  // survives a reboot: log, exit.json
  std::string run_dir;    // does not: harness.sock

  // launch
  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::string cwd = "/";
  std::string user;  // "uid[:gid]" or "name[:group]"; empty: who the daemon is
  std::string hostname;
  bool tty = false;
  bool stdin_open = false;  // "stdin" in the document
  bool hold_start = false;  // wait for the first attach
  bool allow_io_uring = false;
  bool ends_with_program = false;         // what the program leaves behind is ended when it ends
  std::vector<std::string> share;         // fs, net, ipc, uts, time
  std::vector<std::string> public_paths;  // HOSTPATH:PATH[:ro]
  InstanceLimits limits;
  Privileges privileges;
  uint32_t root = 0;  // what root inside is outside (isolation/own_users); 0: root
  // The environment it runs in, as the registry keeps it of the instance; none: the host's files.
  Json environment;
  // As they were written, everybody's first; each with what its errors call it.
  struct RulesText {
    std::string source, text;
    bool operator==(const RulesText&) const = default;
  };
  std::vector<RulesText> rules;
  std::string application;  // the AID it was first launched under
  std::string node;
  std::vector<std::string>
      rule_env;                     // what the rules set beside env; known when they are evaluated
  std::vector<std::string> layers;  // of the environment, on this node: folders, lowest first

  // launch and restore, without `share net`: none where the node could not give any
  std::string address, address_v6;  // the instance's, as others know it
  std::string inner_address;        // as it knows itself (IPv6: what goes with it); empty: the same
  std::string node_address, node_address_v6;  // whom the instance takes the node for
  std::string name_server;                    // that asks the host's for it; empty: the host's own
  std::vector<std::string> ports;             // published; kept in images for a later restore

  // restore
  bool keep_connections = false;  // those with others than itself go on; else they have been lost
  std::string image;
  bool image_goes = false;       // when all that it holds is in memory
  std::string memory;            // lazy, eager; empty: as is best for the image
  std::string event = "launch";  // launch, restore, clone: what the application is told
  int64_t generation = 1;

  // clone, which is a restore as another
  std::string frozen;         // where the image's files are, or come to be, that clones share
  std::string template_name;  // what it is a clone of
  std::vector<std::string> set_env;  // KEY=VALUE, beside what the image says

  bool operator==(const HarnessConfig&) const = default;
};

// As documents have them; what is absent is no limit.
Json limits_to_json(const InstanceLimits& limits);
InstanceLimits limits_from_json(const Json& document);
Json privileges_to_json(const Privileges& privileges);
// Of what was started before there were any but all: the document is null.
Privileges privileges_from_json(const Json& document);

Json harness_config_to_json(const HarnessConfig& config);
Result<HarnessConfig> harness_config_from_json(const Json& document);

}  // namespace appshot
