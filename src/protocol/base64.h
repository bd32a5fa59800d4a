// Bytes that are no text, where only text can stand (RFC 4648, with padding).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace appshot {

std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);

}  // namespace appshot
