#include "isolation/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <optional>

#include "os/thread_capabilities.h"

namespace appshot {
namespace {

// In the kernel's order.
constexpr const char* kNames[] = {"CHOWN",
                                  "DAC_OVERRIDE",
                                  "DAC_READ_SEARCH",
                                  "FOWNER",
                                  "FSETID",
                                  "KILL",
                                  "SETGID",
                                  "SETUID",
                                  "SETPCAP",
                                  "LINUX_IMMUTABLE",
                                  "NET_BIND_SERVICE",
                                  "NET_BROADCAST",
                                  "NET_ADMIN",
                                  "NET_RAW",
                                  "IPC_LOCK",
                                  "IPC_OWNER",
                                  "SYS_MODULE",
                                  "SYS_RAWIO",
                                  "SYS_CHROOT",
                                  "SYS_PTRACE",
                                  "SYS_PACCT",
                                  "SYS_ADMIN",
                                  "SYS_BOOT",
                                  "SYS_NICE",
                                  "SYS_RESOURCE",
                                  "SYS_TIME",
                                  "SYS_TTY_CONFIG",
                                  "MKNOD",
                                  "LEASE",
                                  "AUDIT_WRITE",
                                  "AUDIT_CONTROL",
                                  "SETFCAP",
                                  "MAC_OVERRIDE",
                                  "MAC_ADMIN",
                                  "SYSLOG",
                                  "WAKE_ALARM",
                                  "BLOCK_SUSPEND",
                                  "AUDIT_READ",
                                  "PERFMON",
                                  "BPF",
                                  "CHECKPOINT_RESTORE"};
static_assert(std::size(kNames) == CAP_LAST_CAP + 1);

constexpr CapabilitySet bit(int capability) { return CapabilitySet{1} << capability; }

constexpr CapabilitySet kAll = bit(CAP_LAST_CAP + 1) - 1;
// MKNOD: only what devices.h allows can be made.
constexpr CapabilitySet kDefault =
    bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) | bit(CAP_FSETID) | bit(CAP_FOWNER) | bit(CAP_MKNOD) |
    bit(CAP_NET_RAW) | bit(CAP_SETGID) | bit(CAP_SETUID) | bit(CAP_SETFCAP) | bit(CAP_SETPCAP) |
    bit(CAP_NET_BIND_SERVICE) | bit(CAP_SYS_CHROOT) | bit(CAP_KILL) | bit(CAP_AUDIT_WRITE);

std::optional<CapabilitySet> set_named(std::string name) {
  for (char& letter : name) letter = static_cast<char>(std::toupper(letter));
  if (name.starts_with("CAP_")) name.erase(0, 4);
  if (name == "ALL") return kAll;
  const auto* found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return std::nullopt;
  return bit(static_cast<int>(found - std::begin(kNames)));
}

bool is_here(int capability) { return ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1; }

Result<CapabilitySet> union_of(const std::vector<std::string>& names) {
  CapabilitySet all = 0;
  for (const std::string& name : names) {
    const std::optional<CapabilitySet> one = set_named(name);
    if (!one)
      return Error(ErrorClass::usage, "there is no capability '" + name + "'")
          .hint("capabilities are like NET_ADMIN or CAP_NET_ADMIN; ALL are all");
    all |= *one;
  }
  return all;
}

// Who wants all takes what there is; who names one relies on it.
Result<> refuse_those_not_here(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const CapabilitySet one = set_named(name).value_or(kAll);
    for (int capability = 0; one != kAll && capability <= CAP_LAST_CAP; ++capability)
      if (one == bit(capability) && !is_here(capability))
        return Error(ErrorClass::unsupported,
                     "the capability " + name + " cannot be given: appshotd does not have it");
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> choose_capabilities(const std::vector<std::string>& add,
                                                     const std::vector<std::string>& drop) {
  const CapabilitySet more = TRY(union_of(add)), less = TRY(union_of(drop));
  TRY(refuse_those_not_here(add));
  // Of "all but this" and "nothing but that" the one that names them counts.
  const CapabilitySet nothing_but = more == kAll ? 0 : more;
  const CapabilitySet chosen = less == kAll ? nothing_but : (kDefault | more) & ~less;
  std::vector<std::string> names;
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability)
    if ((chosen & bit(capability)) != 0) names.emplace_back(kNames[capability]);
  return names;
}

CapabilitySet capabilities_named(const std::vector<std::string>& names) {
  CapabilitySet all = 0;
  for (const std::string& name : names) all |= set_named(name).value_or(0);
  return all;
}

Result<> bound_capabilities(CapabilitySet kept) {
  TRY_SYS(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  // Until the kernel knows of no more, which it may of some that are not known here.
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    const bool stays = capability <= CAP_LAST_CAP && (kept & bit(capability)) != 0;
    if (!stays && is_here(capability)) TRY_SYS(::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0));
  }
  return {};
}

Result<> reduce_capabilities(CapabilitySet kept) {
  __user_cap_data_struct sets[2] = {};
  TRY_SYS(thread_capabilities(sets));
  for (int half = 0; half < 2; ++half) {
    const auto mask = static_cast<uint32_t>(kept >> (32 * half));
    sets[half].effective &= mask;
    sets[half].permitted &= mask;
    sets[half].inheritable &= mask;
  }
  TRY_SYS(set_thread_capabilities(sets));
  return {};
}

}  // namespace appshot
