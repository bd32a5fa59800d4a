// Namespaces that the application has made, what is in them, and terminals.
#include "templates/surroundings.h"

namespace appshot::templates {
namespace {

using rules::Access;
using rules::ResourceType;

void add_networks(Context& context) {
  for (const auto& network : context.image.networks)
    context.verdicts.add(
        Record{.type = "network",
               .name = network->space < 0 ? "the instance's"
                                          : "namespace " + std::to_string(network->space),
               .cls = Class::virtualise,
               .by = std::string(kNamed),
               .detail = count_of(network->devices.size(), "device") + ", " +
                         std::to_string(network->objects.size()) + " addresses and routes, " +
                         count_of(network->filters.size(), "filter") + ", " +
                         count_of(network->settings.size(), "setting")});
  for (const image::NetworkCable& cable : context.image.network_cables)
    context.verdicts.add(Record{
        .type = "network cable",
        .name = std::to_string(cable.device()) + " to " + std::to_string(cable.other_device()),
        .cls = Class::duplicate,
        .by = std::string(kOwnObject)});
}

// Its files have records of their own.
void add_file_systems(Context& context) {
  for (const auto& system : context.image.file_systems) {
    if (!system->place.empty()) continue;  // the instance's own, whose files are told of
    const bool in_memory = system->type == "tmpfs" || system->type == "ramfs";
    context.verdicts.add(Record{.type = "file system",
                                .name = system->type,
                                .cls = in_memory ? Class::duplicate : Class::virtualise,
                                .by = std::string(in_memory ? kOwnObject : kNamed),
                                .detail = system->options});
  }
}

void add_mounts(Context& context) {
  const auto& mounts = context.image.mounts;
  for (size_t i = 0; i < mounts.size(); ++i) {
    const int space = mounts[i]->space;
    context.verdicts.add(
        Record{.type = "mount",
               .name = context.places.point_of_mount(i),
               .cls = Class::virtualise,
               .by = std::string(kNamed),
               .detail = std::string(EnumNameMountKind(mounts[i]->kind)) + ", " +
                         (space < 0 ? "the instance's" : "namespace " + std::to_string(space))});
  }
}

void add_terminals(Context& context) {
  for (const auto& terminal : context.image.terminals) {
    const std::string name = "/dev/pts/" + std::to_string(terminal->index);
    const bool outside = terminal->of_instance;
    context.verdicts.add(
        Subject{.record = {.type = "terminal state",
                           .name = name,
                           .cls = outside ? Class::multiplex : Class::duplicate,
                           .by = std::string(outside ? kHarness : kOwnObject),
                           .size = terminal->typed.size() + terminal->printed.size()},
                .type = ResourceType::terminal,
                .handling = outside ? &kHarnessEnd : &kOwnTerminal,
                .accesses = Access::read | Access::write,
                .paths = {name}});
  }
}

}  // namespace

void add_namespaces(Context& context) {
  for (const auto& space : context.image.namespaces)
    context.verdicts.add(Record{.type = "namespace",
                                .name = space->kind,
                                .cls = Class::duplicate,
                                .by = std::string(kOwnObject),
                                .detail = space->host_name});
  add_networks(context);
  add_file_systems(context);
  add_mounts(context);
  add_terminals(context);
}

}  // namespace appshot::templates
