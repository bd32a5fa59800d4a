// JSON as this project reads and writes it: never throwing, wrong types read as absent.
//
// Documents come from other processes; a field of the wrong type is treated like a missing one, so
// that no reader has to guard against exceptions.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace appshot {

using Json = nlohmann::json;

// One line; bytes that are not UTF-8 are replaced instead of failing.
std::string json_text(const Json& document);
Result<Json> parse_json(std::string_view text);

// A field of an object, or the given value when absent or of another type.
std::string string_at(const Json& object, const char* key, std::string_view otherwise = "");
int64_t int_at(const Json& object, const char* key, int64_t otherwise = 0);
bool bool_at(const Json& object, const char* key, bool otherwise = false);
std::vector<std::string> strings_at(const Json& object, const char* key);
// The field itself; null when absent.
const Json& field(const Json& object, const char* key);

}  // namespace appshot
