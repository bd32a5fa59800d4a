// The resources of an instance or a snapshot, as `inspect` lists them.
#pragma once

#include <string>

#include "protocol/json.h"

namespace appshot {

// A table: what each is, whose, and what clones do with it and why. Names and long reasons give
// way, so that its lines have no more than 120 columns. Of what still runs there are no classes but
// details.
std::string records_text(const Json& records);

}  // namespace appshot
