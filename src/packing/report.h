// What a command says while it works and at its end: lines of JSON, for the program that started
// it.
#pragma once

#include <string>

#include "base/pace.h"
#include "base/result.h"
#include "protocol/json.h"

namespace appshot::packing {

class Report {
 public:
  explicit Report(int fd) : fd_(fd) {}

  // A stretch of work begins; 0: nobody knows how many bytes it will be.
  void begin(std::string what, uint64_t total);
  void moved(uint64_t bytes);  // told to the reader now and then
  Result<> line(const Json& document);

 private:
  int fd_;
  std::string what_;
  uint64_t done_ = 0;
  uint64_t total_ = 0;
  Pace pace_;
};

}  // namespace appshot::packing
