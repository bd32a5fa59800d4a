#include "protocol/json.h"

namespace appshot {

std::string json_text(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> parse_json(std::string_view text) {
  Json document = Json::parse(text, nullptr, false);
  if (document.is_discarded()) return Error(ErrorClass::corrupt, "not a JSON document");
  return document;
}

const Json& field(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::string string_at(const Json& object, const char* key, std::string_view otherwise) {
  const Json& value = field(object, key);
  return value.is_string() ? value.get_ref<const std::string&>() : std::string(otherwise);
}

int64_t int_at(const Json& object, const char* key, int64_t otherwise) {
  const Json& value = field(object, key);
  return value.is_number() ? value.get<int64_t>() : otherwise;
}

bool bool_at(const Json& object, const char* key, bool otherwise) {
  const Json& value = field(object, key);
  return value.is_boolean() ? value.get<bool>() : otherwise;
}

std::vector<std::string> strings_at(const Json& object, const char* key) {
  std::vector<std::string> strings;
  const Json& value = field(object, key);
  if (!value.is_array()) return strings;
  for (const Json& entry : value)
    if (entry.is_string()) strings.push_back(entry.get<std::string>());
  return strings;
}

}  // namespace appshot
