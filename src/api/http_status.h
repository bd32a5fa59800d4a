// Error classes as HTTP status codes. Clients read the class from the body; the code is for tools
// that know only HTTP.
#pragma once

#include <string_view>

#include "base/error.h"

namespace appshot {

int http_status_of(ErrorClass cls);
std::string_view http_reason(int status);

}  // namespace appshot
