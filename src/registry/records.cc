#include "registry/records.h"

#include <array>

namespace appshot {
namespace {

constexpr std::array<std::string_view, 5> kStateNames{"held", "running", "asleep", "stopped",
                                                      "failed"};

}  // namespace

std::string_view name_of(InstanceState state) { return kStateNames[static_cast<size_t>(state)]; }

std::optional<InstanceState> instance_state_from_name(std::string_view name) {
  for (size_t i = 0; i < kStateNames.size(); ++i)
    if (kStateNames[i] == name) return static_cast<InstanceState>(i);
  return std::nullopt;
}

bool is_alive(InstanceState state) {
  return state == InstanceState::held || state == InstanceState::running;
}

}  // namespace appshot
