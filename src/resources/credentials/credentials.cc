#include "resources/credentials/credentials.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <sstream>

#include "os/thread_ids.h"
#include "resources/user_spaces.h"

namespace appshot::credentials {
namespace {

constexpr int kCapabilities = 41;

struct Sets {
  uint64_t effective, permitted, inheritable;
};

uint64_t put_sets(DataSpace& data, const Sets& sets) {
  __user_cap_data_struct parts[2] = {
      {static_cast<uint32_t>(sets.effective), static_cast<uint32_t>(sets.permitted),
       static_cast<uint32_t>(sets.inheritable)},
      {static_cast<uint32_t>(sets.effective >> 32), static_cast<uint32_t>(sets.permitted >> 32),
       static_cast<uint32_t>(sets.inheritable >> 32)}};
  return data.put(parts, sizeof parts);
}

std::vector<uint32_t> numbers(const std::string& text) {
  std::istringstream in(text);
  std::vector<uint32_t> all;
  for (uint32_t value; in >> value;) all.push_back(value);
  return all;
}

}  // namespace

void Questions::ask(CallList& calls) {
  securebits_ = calls.add(SYS_prctl, PR_GET_SECUREBITS, 0, 0, 0, 0);
}

std::unique_ptr<image::CredentialsT> Questions::collect(const CallList& calls,
                                                        const proc::Fields& status) const {
  return describe(status, static_cast<uint32_t>(calls.result(securebits_)));
}

std::unique_ptr<image::CredentialsT> describe(const proc::Fields& status, uint32_t securebits) {
  auto out = std::make_unique<image::CredentialsT>();
  out->uid = numbers(proc::field(status, "Uid"));
  out->gid = numbers(proc::field(status, "Gid"));
  out->groups = numbers(proc::field(status, "Groups"));
  out->inheritable = proc::field_number(status, "CapInh", 16);
  out->permitted = proc::field_number(status, "CapPrm", 16);
  out->effective = proc::field_number(status, "CapEff", 16);
  out->bounding = proc::field_number(status, "CapBnd", 16);
  out->ambient = proc::field_number(status, "CapAmb", 16);
  out->no_new_privs = proc::field_number(status, "NoNewPrivs") != 0;
  out->securebits = securebits;
  return out;
}

// The order matters: each step needs a privilege that a later one gives up.
void plan(const image::CredentialsT& c, CallList& calls, DataSpace& data) {
  plan_ids(c, false, calls, data);
  plan_rights(c, calls, data);
}

void plan_ids(const image::CredentialsT& c, bool groups_denied, CallList& calls, DataSpace& data) {
  if (!groups_denied)
    calls.add(SYS_setgroups, c.groups.size(),
              data.put(c.groups.data(), c.groups.size() * sizeof(uint32_t)));
  // Changing ids must not change capabilities; they are set by themselves below.
  calls.add(SYS_prctl, PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0);
  calls.add(SYS_setresgid, c.gid[0], c.gid[1], c.gid[2]);
  calls.add(SYS_setresuid, c.uid[0], c.uid[1], c.uid[2]);
  calls.add_may_fail(SYS_setfsgid, c.gid[3]);  // these two return the former id
  calls.add_may_fail(SYS_setfsuid, c.uid[3]);
}

void plan_rights(const image::CredentialsT& c, CallList& calls, DataSpace& data) {
  for (int capability = 0; capability < kCapabilities; ++capability)
    if ((c.bounding & (1ULL << capability)) == 0) {
      // One that this machine's root does not have either cannot be dropped again, nor need it be.
      calls.add_may_fail(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  uint64_t header_at = data.put(header);
  const uint64_t needed = 1ULL << CAP_SETPCAP;
  calls.add(SYS_capset, header_at,
            put_sets(data, {c.effective | needed, c.permitted | needed, c.inheritable}));
  for (int capability = 0; capability < kCapabilities; ++capability)
    if ((c.ambient & (1ULL << capability)) != 0)
      calls.add(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
  calls.add(SYS_prctl, PR_SET_SECUREBITS, c.securebits, 0, 0, 0);
  calls.add(SYS_capset, header_at, put_sets(data, {c.effective, c.permitted, c.inheritable}));
  if (c.no_new_privs) calls.add(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

std::optional<image::CredentialsT> seen_in(const image::NamespaceT& users,
                                           const image::CredentialsT& credentials) {
  image::CredentialsT seen = credentials;
  auto translate = [](const user_spaces::IdRanges& ranges, std::vector<uint32_t>& ids) {
    for (uint32_t& id : ids) {
      const std::optional<uint32_t> inside = user_spaces::id_in(ranges, id);
      if (!inside) return false;
      id = *inside;
    }
    return true;
  };
  if (!translate(users.users, seen.uid) || !translate(users.groups, seen.gid)) return std::nullopt;
  // They cannot be set where they have no names, and need not be: they were set before.
  if (!translate(users.groups, seen.groups)) seen.groups.clear();
  return seen;
}

std::optional<Change> change_in(const image::NamespaceT& users, const image::CredentialsT& from,
                                const image::CredentialsT& to) {
  std::optional<image::CredentialsT> seen = seen_in(users, to);
  if (!seen) return std::nullopt;
  const bool groups_too = from.groups != to.groups;
  if (groups_too && (users.groups_denied || seen->groups.size() != to.groups.size()))
    return std::nullopt;
  return Change{*std::move(seen), groups_too};
}

Result<> become_before_entering_child(const image::ProcessT& process,
                                      const image::NamespaceT& users) {
  if (process.threads.empty()) return {};  // it is dead
  const image::CredentialsT& who = *process.threads.front()->credentials;
  TRY_SYS(set_thread_groups(who.groups.size(), who.groups.data()));
  if (seen_in(users, who)) return {};
  TRY_SYS(::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0));
  TRY_SYS(set_thread_gids(who.gid[0], who.gid[1], who.gid[2]));
  TRY_SYS(set_thread_uids(who.uid[0], who.uid[1], who.uid[2]));
  return {};
}

}  // namespace appshot::credentials
