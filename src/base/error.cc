#include "base/error.h"

#include <array>
#include <cstring>

namespace appshot {
namespace {

struct ClassName {
  ErrorClass cls;
  std::string_view name;
};

constexpr std::array<ClassName, 12> kClassNames{{
    {ErrorClass::other, "other"},
    {ErrorClass::usage, "usage"},
    {ErrorClass::not_found, "not_found"},
    {ErrorClass::refused, "refused"},
    {ErrorClass::mismatch, "mismatch"},
    {ErrorClass::conflict, "conflict"},
    {ErrorClass::gone, "gone"},
    {ErrorClass::unsupported, "unsupported"},
    {ErrorClass::exhausted, "exhausted"},
    {ErrorClass::denied, "denied"},
    {ErrorClass::corrupt, "corrupt"},
    {ErrorClass::timeout, "timeout"},
}};

}  // namespace

std::string_view name_of(ErrorClass cls) {
  for (const ClassName& entry : kClassNames)
    if (entry.cls == cls) return entry.name;
  return "other";
}

ErrorClass error_class_from_name(std::string_view name) {
  for (const ClassName& entry : kClassNames)
    if (entry.name == name) return entry.cls;
  return ErrorClass::other;
}

ErrorClass classify_errno(int err) {
  switch (err) {
    case ESRCH:
    case ECHILD:
    case EPIPE:
    case ECONNRESET:
      return ErrorClass::gone;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorClass::unsupported;
    case ENOMEM:
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
      return ErrorClass::exhausted;
    case EPERM:
    case EACCES:
    case EROFS:
      return ErrorClass::denied;
    case ETIMEDOUT:
      return ErrorClass::timeout;
    // ENOENT, EEXIST and EBUSY stay `other`: not_found and conflict speak of the user's things.
    default:
      return ErrorClass::other;
  }
}

int exit_status_of(ErrorClass cls) {
  switch (cls) {
    case ErrorClass::usage:
      return 2;
    case ErrorClass::not_found:
      return 3;
    case ErrorClass::refused:
      return 4;
    case ErrorClass::mismatch:
      return 5;
    case ErrorClass::conflict:
      return 6;
    default:
      return 1;
  }
}

Error::Error(ErrorClass cls, std::string message) : cls_(cls), message_(std::move(message)) {}
Error::Error(const Error&) = default;
Error::Error(Error&&) noexcept = default;
Error& Error::operator=(const Error&) = default;
Error& Error::operator=(Error&&) noexcept = default;
Error::~Error() = default;

Error Error::from_errno(int err, std::string_view call, const char* file, int line) {
  Error error(classify_errno(err), std::string(call) + ": " + std::strerror(err));
  error.errno_ = err;
  error.origin_ = std::string(file) + ":" + std::to_string(line);
  return error;
}

Error&& Error::within(std::string_view context) && {
  message_ = std::string(context) + ": " + message_;
  return std::move(*this);
}

Error&& Error::hint(std::string text) && {
  hint_ = std::move(text);
  return std::move(*this);
}

}  // namespace appshot
