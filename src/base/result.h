// Result<T>: a value or an Error. TRY unwraps or returns the error to the caller.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "base/error.h"

namespace appshot {

template <typename T = void>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return value_.has_value(); }
  T& value() & { return value_.value(); }
  const T& value() const& { return value_.value(); }
  T&& value() && { return std::move(value_).value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return error_.value(); }
  Error take_error() { return std::move(error_).value(); }
  T value_or(T other) && { return *this ? std::move(*this).value() : std::move(other); }

  // Says what it happened within: "fd 7 of pid 41".
  Result&& within(std::string_view context) && {
    if (!*this) (void)std::move(*error_).within(context);  // in place
    return std::move(*this);
  }

 private:
  std::optional<T> value_;
  std::optional<Error> error_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return !error_; }
  void value() const {}
  const Error& error() const { return error_.value(); }
  Error take_error() { return std::move(error_).value(); }

  Result&& within(std::string_view context) && {
    if (error_) (void)std::move(*error_).within(context);  // in place
    return std::move(*this);
  }

 private:
  std::optional<Error> error_;
};

namespace detail {
template <typename T>
T take_value(Result<T>& result) {
  return std::move(result).value();
}
inline void take_value(Result<void>&) {}
}  // namespace detail

// Evaluates to the value of a Result, or returns its error from the enclosing function. The names
// inside are unique, so that one TRY may stand in the argument of another.
#define TRY(...) APPSHOT_TRY_NAMED(APPSHOT_JOIN(try_result_, __COUNTER__), __VA_ARGS__)
#define APPSHOT_TRY_NAMED(name, ...)     \
  ({                                     \
    auto name = (__VA_ARGS__);           \
    if (!name) return name.take_error(); \
    ::appshot::detail::take_value(name); \
  })

// A system call that returns -1 and sets errno: evaluates to its value or returns an Error that
// quotes the call as written.
#define TRY_SYS(call) APPSHOT_TRY_SYS_NAMED(APPSHOT_JOIN(try_value_, __COUNTER__), call)
#define APPSHOT_TRY_SYS_NAMED(name, call)                \
  ({                                                     \
    auto name = (call);                                  \
    if (name == static_cast<decltype(name)>(-1))         \
      return ::appshot::Error::from_errno(errno, #call); \
    name;                                                \
  })

#define APPSHOT_JOIN(a, b) APPSHOT_JOIN_EXPANDED(a, b)
#define APPSHOT_JOIN_EXPANDED(a, b) a##b

}  // namespace appshot
