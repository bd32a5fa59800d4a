#include "resources/seccomp/seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <algorithm>

namespace appshot::seccomp {
namespace {

constexpr unsigned kFiltersMax = 4096;

}  // namespace

Result<> capture(const Tracee& thread, const proc::Fields& status, image::ThreadT& into) {
  into.seccomp_mode = static_cast<int>(proc::field_number(status, "Seccomp"));
  if (into.seccomp_mode != SECCOMP_MODE_FILTER) return {};
  // The kernel counts from the oldest.
  for (unsigned index = 0; index < kFiltersMax; ++index) {
    auto filter = std::make_unique<image::SeccompFilterT>();
    filter->instructions = TRY(thread.seccomp_filter(index, filter->flags));
    if (filter->instructions.empty()) break;
    into.filters.push_back(std::move(filter));
  }
  return {};
}

void plan(const image::ThreadT& thread, size_t there, CallList& calls, DataSpace& data) {
  for (size_t i = there; i < thread.filters.size(); ++i) {
    const auto& filter = thread.filters[i];
    sock_fprog program{};
    program.len = static_cast<unsigned short>(filter->instructions.size() / sizeof(sock_filter));
    program.filter = reinterpret_cast<sock_filter*>(
        data.put(filter->instructions.data(), filter->instructions.size()));
    calls.add(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter->flags & SECCOMP_FILTER_FLAG_LOG,
              data.put(program));
  }
  if (thread.seccomp_mode == SECCOMP_MODE_STRICT)
    calls.add(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 0);
}

}  // namespace appshot::seccomp
