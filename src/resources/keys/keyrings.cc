#include "resources/keys/keyrings.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>

#include <cstring>

namespace appshot::keys {

using Serial = int32_t;

// None of these makes a keyring of a thread or process that is not there. Of the user's it is found
// out which it is, since login programs link it into a session.
void Questions::ask(CallList& calls, DataSpace& data) {
  session_keys_ = data.reserve(kAtMost * sizeof(Serial));
  of_thread_ = calls.add_may_fail(SYS_keyctl, KEYCTL_READ, KEY_SPEC_THREAD_KEYRING, 0, 0);
  of_process_ = calls.add_may_fail(SYS_keyctl, KEYCTL_READ, KEY_SPEC_PROCESS_KEYRING, 0, 0);
  of_session_ = calls.add_may_fail(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, session_keys_,
                                   kAtMost * sizeof(Serial));
  user_ = calls.add_may_fail(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0);
}

// What a call tells is how long the list of keys is.
void Questions::collect(const CallList& calls, const DataSpace& data, const ProcessSource& source,
                        Obstacles& obstacles) const {
  auto add = [&](const char* what) {
    obstacles.add(source.words() + " has keys of its " + what +
                      " (add_key, keyctl), which cannot be captured",
                  "unlink them; keep them in the user's keyring (@u)");
  };
  if (calls.result(of_thread_) > 0) add("thread");
  if (calls.result(of_process_) > 0) add("process");
  if (session_has_own(calls, data)) add("session");
}

bool Questions::session_has_own(const CallList& calls, const DataSpace& data) const {
  const int64_t bytes = calls.result(of_session_);
  if (bytes <= 0) return false;
  if (static_cast<size_t>(bytes) > kAtMost * sizeof(Serial)) return true;
  const auto of_user = static_cast<Serial>(calls.result(user_));
  for (size_t i = 0; i < static_cast<size_t>(bytes) / sizeof(Serial); ++i) {
    Serial key;
    std::memcpy(&key, data.here(session_keys_ + i * sizeof key), sizeof key);
    if (key != of_user) return true;
  }
  return false;
}

}  // namespace appshot::keys
