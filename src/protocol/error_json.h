// An Error as it travels: {"class", "message", "errno", "hint", "obstacles": [{"what", "hint"}]}.
#pragma once

#include "protocol/json.h"

namespace appshot {

Json error_to_json(const Error& error);
Error error_from_json(const Json& document);

Json obstacles_to_json(const std::vector<Obstacle>& obstacles);
std::vector<Obstacle> obstacles_from_json(const Json& list);

}  // namespace appshot
