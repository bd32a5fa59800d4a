#include "packing/report.h"

#include "os/file.h"

namespace appshot::packing {

void Report::begin(std::string what, uint64_t total) {
  what_ = std::move(what);
  done_ = 0;
  total_ = total;
}

void Report::moved(uint64_t bytes) {
  done_ += bytes;
  if (!pace_.due()) return;
  // Who does not read any more will not miss it; the work is worth going on with.
  (void)!line({{"progress", {{"done", done_}, {"total", total_}, {"what", what_}}}});
}

Result<> Report::line(const Json& document) {
  return write_all(fd_, json_text(document) + "\n").within("the report");
}

}  // namespace appshot::packing
