#include "templates/surroundings.h"

namespace appshot::templates {
namespace {

using rules::Access;
using rules::ResourceType;

void add_ports(Context& context) {
  for (const PublishedPort& port : context.launch.ports)
    context.verdicts.add(Subject{.record = {.type = "published port",
                                            .name = port.text(),
                                            .cls = Class::allocate,
                                            .by = std::string(kUniqueOutside)},
                                 .type = ResourceType::port,
                                 .handling = &kPublishedPort,
                                 .accesses = Access::create | Access::read,
                                 .ports = {port.port, port.inside}});
}

void add_names(Context& context) {
  const image::ImageT& image = context.image;
  const Share& share = context.launch.share;
  context.verdicts.add(Record{.type = "application id",
                              .name = image.aid,
                              .cls = Class::allocate,
                              .by = std::string(kUniqueOnNetwork)});
  for (const std::string& address : context.launch.addresses)
    context.verdicts.add(Subject{.record = {.type = "virtual address",
                                            .name = address,
                                            .cls = Class::allocate,
                                            .by = std::string(kUniqueOnNetwork)},
                                 .type = ResourceType::address,
                                 .handling = &kAddress,
                                 .accesses = Access::read | Access::write});
  context.verdicts.add(Record{.type = "host name",
                              .name = image.host_name,
                              .cls = share.uts ? Class::share : Class::virtualise,
                              .by = std::string(share.uts ? kOfHost : kNamed)});
  context.verdicts.add(Record{.type = "clocks",
                              .name = "CLOCK_MONOTONIC, CLOCK_BOOTTIME",
                              .cls = share.time ? Class::share : Class::virtualise,
                              .by = std::string(share.time ? kOfHost : kNamed)});
}

// A path of run -v is in no text.
std::string position_of(const rules::Exception& shown) {
  return shown.at.line == 0 ? shown.at.source : shown.at.text();
}

void add_shared(Context& context) {
  const Launch& launch = context.launch;
  auto add = [&](const char* type, std::string name, std::string by, std::string detail = "") {
    context.verdicts.add(Record{.type = type,
                                .name = std::move(name),
                                .cls = Class::share,
                                .by = std::move(by),
                                .detail = std::move(detail)});
  };
  for (const std::string& part : launch.share.names())
    add("shared part", part, of_host("--share " + part));
  for (const rules::Exception& shown : launch.here.exceptions)
    add("public path", shown.path, of_host(position_of(shown)), shown.readonly ? "read-only" : "");
  if (!launch.environment.empty())
    add("environment", launch.environment, std::string(kCannotBeModified),
        count_of(launch.environment_layers, "layer"));
  // On disk files have the owners that they have inside (docs/limits.md).
  if (launch.first_user != 0)
    add("range of users", std::to_string(launch.first_user), "files belong to them",
        "what root inside is outside");
}

// Of paths that lead elsewhere: all have the same name, and each leads where it leads.
void add_redirections(Context& context) {
  for (const rules::EvaluatedRedirection& one : context.launch.here.redirections)
    context.verdicts.add(Record{.type = one.is_link ? "link" : "redirection",
                                .name = one.path,
                                .cls = Class::virtualise,
                                .by = "rule " + one.at.text(),
                                .detail = "to " + one.to});
}

}  // namespace

void add_surroundings(Context& context) {
  add_names(context);
  add_ports(context);
  add_shared(context);
  add_redirections(context);
}

}  // namespace appshot::templates
