// The four kinds of packets of the harness protocol, built in one place and told apart in one
// place.
#pragma once

#include <optional>
#include <string>

#include "protocol/json.h"

namespace appshot {

// `arguments` is an object; id and op are put beside its fields.
Json make_request(int64_t id, std::string_view op, Json arguments = Json::object());
Json make_progress(int64_t id, std::string_view phase, uint64_t done, uint64_t total);
Json make_answer(int64_t id, Json result = Json::object());
Json make_refusal(int64_t id, const Error& error);
Json make_event(std::string_view event, Json fields = Json::object());

// What became of a request, read from its answer.
Result<Json> answer_result(const Json& answer);

}  // namespace appshot
