// Result<T>: a value or an Error. TRY unwraps or returns the error to the caller.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/error.h"

namespace appshot {

template <typename T = void>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}       // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}   // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return std::holds_alternative<T>(state_); }
  T& value() & { return std::get<T>(state_); }
  const T& value() const& { return std::get<T>(state_); }
  T&& value() && { return std::get<T>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return std::get<Error>(state_); }
  Error take_error() { return std::get<Error>(std::move(state_)); }
  T value_or(T other) && { return *this ? std::move(*this).value() : std::move(other); }

  // Says what it happened within: "fd 7 of pid 41".
  Result&& within(std::string_view context) && {
    if (!*this) std::get<Error>(state_) = std::move(std::get<Error>(state_)).within(context);
    return std::move(*this);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return !error_; }
  void value() const {}
  const Error& error() const { return *error_; }
  Error take_error() { return *std::move(error_); }

  Result&& within(std::string_view context) && {
    if (error_) error_ = std::move(*error_).within(context);
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

// Evaluates to the value of a Result, or returns its error from the enclosing function.
#define TRY(...)                                            \
  ({                                                        \
    auto try_result_ = (__VA_ARGS__);                       \
    if (!try_result_) return try_result_.take_error();      \
    ::appshot::detail::take_value(try_result_);             \
  })

// A system call that returns -1 and sets errno: evaluates to its value or returns an Error that
// quotes the call as written.
#define TRY_SYS(call)                                                       \
  ({                                                                        \
    auto try_value_ = (call);                                               \
    if (try_value_ == static_cast<decltype(try_value_)>(-1))                \
      return ::appshot::Error::from_errno(errno, #call);                    \
    try_value_;                                                             \
  })

}  // namespace appshot
