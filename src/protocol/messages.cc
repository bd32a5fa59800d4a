#include "protocol/messages.h"

#include "protocol/error_json.h"

namespace appshot {

Json make_request(int64_t id, std::string_view op, Json arguments) {
  arguments["id"] = id;
  arguments["op"] = op;
  return arguments;
}

Json make_progress(int64_t id, std::string_view phase, uint64_t done, uint64_t total) {
  return {{"id", id}, {"progress", {{"phase", phase}, {"done", done}, {"total", total}}}};
}

Json make_answer(int64_t id, Json result) {
  return {{"id", id}, {"ok", true}, {"result", std::move(result)}};
}

Json make_refusal(int64_t id, const Error& error) {
  return {{"id", id}, {"ok", false}, {"error", error_to_json(error)}};
}

Json make_event(std::string_view event, Json fields) {
  fields["event"] = event;
  return fields;
}

Result<Json> answer_result(const Json& answer) {
  if (bool_at(answer, "ok")) return field(answer, "result");
  return error_from_json(field(answer, "error"));
}

}  // namespace appshot
