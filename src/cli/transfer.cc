#include "cli/transfer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "os/file.h"
#include "os/whole_file.h"

namespace appshot {
namespace {

Result<> copy_answer(HttpClient& http, int fd, const std::string& file) {
  std::array<char, 65536> bytes;
  for (;;) {
    const size_t got = TRY(http.read_body(bytes));
    if (got == 0) return {};
    TRY(write_all(fd, {bytes.data(), got}).within("write " + file));
  }
}

Result<Json> upload_from(Context& context, const std::string& target, int fd,
                         const std::string& file) {
  HttpClient http = TRY(context.api.connect());
  TRY(http.begin_upload("POST", target));
  std::array<char, 65536> bytes;
  for (;;) {
    const ssize_t got = ::read(fd, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(errno, "read " + file);
    if (got == 0) break;
    // The daemon answers, and hangs up, as soon as it sees that this is not what it can read.
    if (!http.upload({bytes.data(), static_cast<size_t>(got)})) break;
  }
  const int status = TRY(http.end_upload().within(file));
  if (status >= 400) return context.api.refusal(http, status);
  return parse_json(TRY(http.body()));
}

// A device or pipe is written to, and never replaced.
bool is_no_file(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
}

}  // namespace

Result<> download(Context& context, const std::string& target, const std::string& file) {
  HttpClient http = TRY(context.api.connect());
  const int status = TRY(http.request("GET", target));
  if (status >= 400) return context.api.refusal(http, status);
  if (file == "-") return copy_answer(http, STDOUT_FILENO, file);
  if (is_no_file(file)) {
    const UniqueFd out(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!out) return Error::from_errno(errno, "cannot write " + file);
    return copy_answer(http, out.get(), file);
  }
  WholeFile whole = TRY(WholeFile::create(file).within("cannot write " + file));
  TRY(copy_answer(http, whole.fd(), file));
  return whole.publish();
}

Result<Json> upload(Context& context, const std::string& target, const std::string& file) {
  if (file == "-") return upload_from(context, target, STDIN_FILENO, file);
  const UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (opened) return upload_from(context, target, opened.get(), file);
  Error error = Error::from_errno(errno, "open " + file);
  return error.err() == ENOENT ? std::move(error).as(ErrorClass::not_found) : error;
}

}  // namespace appshot
