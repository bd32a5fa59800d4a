// Times as pax headers tell them: "-12.5", seconds with a fraction.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "packing/entry.h"

namespace appshot::packing {

std::string pax_time(const Time& time);
std::optional<Time> parse_pax_time(std::string_view text);

}  // namespace appshot::packing
