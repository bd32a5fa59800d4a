// CHECK: a bug of ours, not an outcome. Aborts the process it happens in (a harness serves one
// instance, so that one instance's bug never reaches another).
#pragma once

namespace appshot {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

#define CHECK(condition) \
  ((condition) ? (void)0 : ::appshot::check_failed(#condition, __FILE__, __LINE__))

}  // namespace appshot
