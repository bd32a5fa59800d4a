#include "harness/output_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <chrono>

#include "os/file.h"
#include "protocol/base64.h"
#include "protocol/json.h"

namespace appshot {
namespace {

constexpr size_t kBytesMax = 16 << 20;

bool continuation(unsigned char c) { return (c & 0xc0) == 0x80; }

size_t utf8_length(std::string_view text, size_t at) {
  auto c = static_cast<unsigned char>(text[at]);
  size_t length = c < 0x80             ? 1
                  : (c & 0xe0) == 0xc0 ? 2
                  : (c & 0xf0) == 0xe0 ? 3
                  : (c & 0xf8) == 0xf0 ? 4
                                       : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i)
    if (!continuation(static_cast<unsigned char>(text[at + i]))) return 0;
  return length;
}

// For who looks at it: bytes that are not UTF-8 become the characters of the same number.
std::string as_text(std::string_view bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    size_t length = utf8_length(bytes, at);
    if (length == 0) {
      auto c = static_cast<unsigned char>(bytes[at]);
      out.push_back(static_cast<char>(0xc0 | (c >> 6)));
      out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
      length = 1;
    } else {
      out.append(bytes.substr(at, length));
    }
    at += length;
  }
  return out;
}

}  // namespace

Result<OutputLog> OutputLog::open(const std::string& path) {
  OutputLog log;
  log.path_ = path;
  log.file_ = TRY(open_file(path, O_WRONLY | O_CREAT | O_APPEND, 0600));
  struct stat info {};
  TRY_SYS(::fstat(log.file_.get(), &info));
  log.size_ = static_cast<size_t>(info.st_size);
  return log;
}

void OutputLog::add(std::string_view stream, std::string_view bytes) {
  if (!file_) return;
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  Json entry{{"t", now.count()}, {"s", stream}, {"d", as_text(bytes)}};
  if (entry["d"] != bytes) entry["b"] = base64_encode(bytes);
  std::string line = json_text(entry) + "\n";
  // A full disk must not stop the application: the record has a gap then.
  (void)!write_all(file_.get(), {line.data(), line.size()});
  size_ += line.size();
  if (size_ < kBytesMax) return;
  if (::rename(path_.c_str(), (path_ + ".1").c_str()) != 0) return;
  Result<UniqueFd> next = open_file(path_, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (next) file_ = std::move(*next);
  size_ = 0;
}

}  // namespace appshot
