// Programs of the instance's own world that are run before it is snapshotted and after it was
// restored or cloned: /etc/appshot/hooks/NAME, where there is such a program. They run beside the
// application, as root of the instance, with its environment and APPSHOT_EVENT, APPSHOT_AID and
// APPSHOT_GENERATION.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "harness/init_link.h"
#include "protocol/harness_config.h"

namespace appshot {

namespace hook {
inline constexpr char kBeforeSnapshot[] = "before-snapshot";
inline constexpr char kAfterRestore[] = "after-restore";
inline constexpr char kAfterClone[] = "after-clone";
}  // namespace hook

struct HookOutcome {
  std::string name;
  int status = 0;          // as waitpid tells; of one that could not be started, see `error`
  bool timed_out = false;  // and so was killed
  std::string output;      // the beginning of what it wrote, on either stream
  std::string error;
  int64_t took_ms = 0;

  bool ended_well() const { return status == 0 && !timed_out && error.empty(); }
  // "the hook before-snapshot ended with status 3: no room"
  std::string text() const;
};

// Nothing: there is none of that name. `root`: of the instance, as seen from here.
std::optional<HookOutcome> run_hook(const std::string& name, InitLink& init,
                                    const HarnessConfig& config, const std::string& root);

// {"event": "hook", …}, for the daemon.
Json hook_event(const HookOutcome& outcome);

}  // namespace appshot
