// The asking side of HTTP over a unix socket: one connection, one request at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "api/http_io.h"
#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

class HttpClient {
 public:
  static Result<HttpClient> connect(const std::string& socket_path);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  void set_deadline(MaybeDeadline deadline);

  // Sends a request with a whole body and reads the head of the answer: its status code.
  Result<int> request(std::string_view method, std::string_view target, std::string_view body = "");
  // The same in parts, for a body that is not known beforehand.
  Result<> begin_upload(std::string_view method, std::string_view target);
  Result<> upload(std::string_view bytes);
  Result<int> end_upload();

  // Of the answer: some bytes (0 at the end), all of them, or a line without its newline.
  Result<size_t> read_body(std::span<char> bytes);
  Result<std::string> body();
  Result<std::optional<std::string>> body_line();

  // A request that makes a stream of the connection. Without one (the status was not 101) the
  // answer's body is to be read as usual.
  struct Stream {
    UniqueFd socket;
    std::string read_ahead;  // bytes of the stream that came with the answer
  };
  Result<std::optional<Stream>> upgrade(std::string_view target, std::string_view body);

  int fd() const;

 private:
  struct State;
  explicit HttpClient(UniqueFd connection);
  Result<int> read_answer();
  std::unique_ptr<State> state_;
};

}  // namespace appshot
