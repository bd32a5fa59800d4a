// The serving side of HTTP over a unix socket: one connection, one thread, one request at a time.
//
// Death: a client that is gone shows as class gone (EPIPE) when something is sent to it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

struct HttpRequest {
  std::string method;
  std::string path;  // decoded, without the query
  std::map<std::string, std::string> query;
  bool wants_stream = false;  // Connection: Upgrade, Upgrade: appshot-stream

  std::string parameter(const std::string& name, std::string_view otherwise = "") const;
};

// One request being answered. Exactly one of reply, begin_stream and upgrade answers it.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  virtual const HttpRequest& request() const = 0;
  // The whole body, refused beyond 16 MiB.
  virtual Result<std::string> body() = 0;
  // Some bytes of a body of any length; 0 at its end.
  virtual Result<size_t> read_body(std::span<char> bytes) = 0;

  virtual Result<> reply(int status, std::string_view content_type, std::string_view body) = 0;
  virtual Result<> begin_stream(std::string_view content_type) = 0;
  virtual Result<> stream(std::string_view bytes) = 0;
  virtual Result<> end_stream() = 0;
  // Answers 101 and gives the connection away.
  virtual Result<UniqueFd> upgrade() = 0;

  virtual bool answered() const = 0;
  // Readable or hung up when the client does something unasked, such as leaving.
  virtual int fd() const = 0;
};

using HttpHandler = std::function<void(HttpExchange&)>;

// Serves the connection until the client closes it or breaks the rules.
void serve_http(UniqueFd connection, const HttpHandler& handler);

}  // namespace appshot
