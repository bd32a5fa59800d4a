// What went wrong: the failed call as written, errno, what the caller should make of it, and the
// chain of things it happened within. Every error a user reads is rendered from one of these.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace appshot {

// Classed by what the caller should do about it, not by where it came from.
enum class ErrorClass {
  other,        // failed; nothing better is known
  usage,        // the caller asked for something that makes no sense        (exit status 2)
  not_found,    // no such instance, snapshot, file                          (exit status 3)
  refused,      // something cannot be captured or shared; see obstacles     (exit status 4)
  mismatch,     // this machine cannot run that image; see obstacles         (exit status 5)
  conflict,     // the name is alive, the port is taken, the lease is lost   (exit status 6)
  gone,         // the process or peer it was about has died
  unsupported,  // this kernel cannot do it
  exhausted,    // out of memory, disk, descriptors, ids
  denied,       // not permitted
  corrupt,      // bytes that are not what they should be
  timeout,      // a deadline passed
};

std::string_view name_of(ErrorClass cls);
ErrorClass error_class_from_name(std::string_view name);
ErrorClass classify_errno(int err);

// The exit status of a command that ended with an error of this class.
int exit_status_of(ErrorClass cls);

// One thing in the way of a snapshot or a restore, told so that a user can act on it.
struct Obstacle {
  std::string what;  // "process 12 (nginx) has descriptor 7 open on /dev/kvm, a device ..."
  std::string hint;  // "close it"
  bool operator==(const Obstacle&) const = default;
};

// Nothing of it is inline that a compiler would repeat at every TRY.
class [[nodiscard]] Error {
 public:
  Error(ErrorClass cls, std::string message);
  Error(const Error&);
  Error(Error&&) noexcept;
  Error& operator=(const Error&);
  Error& operator=(Error&&) noexcept;
  ~Error();

  // A failed system call: `call` as written in the source, errno and what it was about.
  static Error from_errno(int err, std::string_view call, const char* file = __builtin_FILE(),
                          int line = __builtin_LINE());

  Error&& within(std::string_view context) &&;
  Error&& hint(std::string text) &&;
  Error&& as(ErrorClass cls) && {
    cls_ = cls;
    return std::move(*this);
  }
  Error&& with_errno(int err) && {
    errno_ = err;
    return std::move(*this);
  }
  Error&& with_obstacles(std::vector<Obstacle> obstacles) && {
    obstacles_ = std::move(obstacles);
    return std::move(*this);
  }

  ErrorClass cls() const { return cls_; }
  int err() const { return errno_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  const std::vector<Obstacle>& obstacles() const { return obstacles_; }
  // Where in our source it was first noticed; for logs, not for users.
  const std::string& origin() const { return origin_; }

 private:
  ErrorClass cls_;
  int errno_ = 0;
  std::string message_;
  std::string hint_;
  std::string origin_;
  std::vector<Obstacle> obstacles_;
};

}  // namespace appshot
