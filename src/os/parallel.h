// Work that is done at the same time as other work of ours.
#pragma once

#include <functional>
#include <thread>

#include "base/result.h"

namespace appshot {

// One piece of work, in a thread of its own from now on. Where no thread is to be had it is done
// when its result is asked for.
class Alongside {
 public:
  explicit Alongside(std::function<Result<>()> work);
  Alongside(const Alongside&) = delete;
  ~Alongside();  // waits for it

  Result<> finish();

 private:
  std::function<Result<>()> work_;
  Result<> result_;
  std::thread thread_;
};

// Calls work(0) … work(count - 1), each once, in any order, on all processors.
void in_parallel(size_t count, const std::function<void(size_t)>& work);

}  // namespace appshot
