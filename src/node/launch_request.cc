#include "node/launch_request.h"

#include <limits.h>

#include <algorithm>

#include "isolation/capabilities.h"
#include "node/node.h"

namespace appshot {

Json spec_of(const Json& request) {
  return {{"argv", strings_at(request, "argv")},
          {"cwd", string_at(request, "cwd", "/")},
          {"user", string_at(request, "user")},
          {"hostname", string_at(request, "hostname")},
          {"tty", bool_at(request, "tty")},
          {"stdin", bool_at(request, "stdin")},
          {"share", strings_at(request, "share")},
          {"allow_io_uring", bool_at(request, "allow_io_uring")},
          {"ports", strings_at(request, "ports")},
          {"public_paths", strings_at(request, "public_paths")},
          {"limits", limits_to_json(limits_from_json(request))},
          {"privileges", field(request, "privileges")},
          {"root", int_at(request, "root")},
          {"environment", field(request, "environment")},
          {"rules", field(request, "rules")},
          {"rm", bool_at(request, "rm")}};
}

HarnessConfig config_of(const Json& request, const std::string& aid) {
  HarnessConfig config;
  config.mode = "launch";
  config.argv = strings_at(request, "argv");
  config.env = strings_at(request, "env");
  config.cwd = string_at(request, "cwd", "/");
  config.user = string_at(request, "user");
  config.hostname = string_at(request, "hostname");
  if (config.hostname.empty()) config.hostname = aid;
  config.tty = bool_at(request, "tty");
  config.stdin_open = bool_at(request, "stdin");
  config.hold_start = bool_at(request, "hold_start");
  config.allow_io_uring = bool_at(request, "allow_io_uring");
  config.ends_with_program = bool_at(request, "ends_with_program");
  config.share = strings_at(request, "share");
  config.ports = strings_at(request, "ports");
  config.public_paths = strings_at(request, "public_paths");
  for (const Json& rules : field(request, "rules"))
    config.rules.push_back({string_at(rules, "source"), string_at(rules, "text")});
  config.application = aid;
  config.limits = limits_from_json(request);
  config.privileges = privileges_from_json(field(request, "privileges"));
  config.root = static_cast<uint32_t>(int_at(request, "root"));
  return config;
}

bool shares_files(const Json& request) {
  const std::vector<std::string> shared = strings_at(request, "share");
  return std::ranges::find(shared, "fs") != shared.end();
}

Result<Privileges> privileges_of(const Json& request) {
  const auto add = strings_at(request, "cap_add"), drop = strings_at(request, "cap_drop");
  if (!bool_at(request, "privileged"))
    return Privileges{false, TRY(choose_capabilities(add, drop)), bool_at(request, "allow_setuid")};
  if (!add.empty() || !drop.empty())
    return Error(ErrorClass::usage, "who is privileged has every capability")
        .hint(
            "leave out --privileged, or --cap-add and --cap-drop; --cap-add ALL --cap-drop NAME "
            "gives all but that one");
  return Privileges{true, {}, true};
}

Result<> check_launch(const Json& request) {
  const bool in_environment = !string_at(request, "environment").empty();
  if (strings_at(request, "argv").empty() && !in_environment)
    return Error(ErrorClass::usage, "no program to run");
  if (string_at(request, "hostname").size() > HOST_NAME_MAX)
    return Error(ErrorClass::usage,
                 "a host name has at most " + std::to_string(HOST_NAME_MAX) + " characters");
  const InstanceLimits limits = limits_from_json(request);
  TRY(check_limits(limits));
  if (limits.any()) TRY(refuse_if_not_here(limits));
  for (const std::string& port : strings_at(request, "ports")) TRY(PublishedPort::parse(port));
  if (shares_files(request) && in_environment)
    return Error(ErrorClass::usage, "who shares the host's files runs in no environment")
        .hint("leave out --share fs, or --env");
  if (shares_files(request) && !string_at(request, "rules").empty())
    return Error(ErrorClass::usage, "rules cannot lead the host's own files elsewhere")
        .hint("leave out --share fs, or --rules");
  if (shares_files(request) && !strings_at(request, "public_paths").empty())
    return Error(ErrorClass::usage, "who shares the host's files sees all of them already")
        .hint("leave out --share fs, or -v");
  if (shares_files(request) && bool_at(request, "userns"))
    return Error(ErrorClass::usage, "the host's own files belong to users of the host")
        .hint("leave out --share fs, or --userns");
  for (const std::string& share : strings_at(request, "share")) {
    bool known =
        share == "fs" || share == "net" || share == "ipc" || share == "uts" || share == "time";
    if (!known)
      return Error(ErrorClass::usage, "'" + share + "' cannot be shared")
          .hint("--share takes fs, net, ipc, uts or time");
  }
  return {};
}

}  // namespace appshot
