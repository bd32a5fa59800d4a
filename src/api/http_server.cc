#include "api/http_server.h"

#include <array>

#include "api/http_io.h"
#include "api/http_reader.h"
#include "api/http_status.h"

namespace appshot {
namespace {

namespace http = boost::beast::http;

constexpr size_t kUnreadBytesMax = 4096;
constexpr size_t kBodyBytesMax = 16 * 1024 * 1024;

std::string head_of(int status, std::string_view fields) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  return head.append(http_reason(status)).append("\r\n").append(fields).append("\r\n");
}

void read_target(std::string_view target, HttpRequest& request) {
  size_t mark = target.find('?');
  request.path = percent_decode(target.substr(0, mark));
  if (mark == std::string_view::npos) return;
  std::string_view query = target.substr(mark + 1);
  while (!query.empty()) {
    std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    size_t equals = pair.find('=');
    std::string value =
        equals == std::string_view::npos ? "true" : percent_decode(pair.substr(equals + 1));
    request.query[percent_decode(pair.substr(0, equals))] = value;
  }
}

class Exchange : public HttpExchange {
 public:
  Exchange(UniqueFd& connection, std::string& buffer) : connection_(connection), buffer_(buffer) {}

  // False: the client has closed the connection.
  Result<bool> read_request() {
    if (!TRY(reader_.read_head(connection_.get(), buffer_, {}))) return false;
    const auto& head = reader_.head();
    request_.method = std::string(head.method_string());
    read_target({head.target().data(), head.target().size()}, request_);
    request_.wants_stream = boost::beast::iequals(head[http::field::upgrade], "appshot-stream");
    // curl asks for this before it sends a longer body.
    if (boost::beast::iequals(head[http::field::expect], "100-continue"))
      TRY(send_all(connection_.get(), "HTTP/1.1 100 Continue\r\n\r\n"));
    return true;
  }

  // What the handler has not read must not be taken for the next request: a little of it is read
  // here, for more the connection is closed.
  bool ready_for_next() {
    if (!connection_ || !answered_ || broken_ || !reader_.keep_alive()) return false;
    std::array<char, kUnreadBytesMax> unread;
    while (!reader_.done()) {
      Result<size_t> got = read_body(unread);
      if (!got || *got == unread.size()) return false;
    }
    return true;
  }

  const HttpRequest& request() const override { return request_; }
  bool answered() const override { return answered_; }
  int fd() const override { return connection_.get(); }

  Result<std::string> body() override {
    std::string whole;
    std::array<char, 16384> bytes;
    for (;;) {
      size_t got = TRY(read_body(bytes));
      if (got == 0) return whole;
      if (whole.size() + got > kBodyBytesMax)
        return Error(ErrorClass::usage, "the request's body is too long");
      whole.append(bytes.data(), got);
    }
  }

  Result<size_t> read_body(std::span<char> bytes) override {
    return reader_.read_body(connection_.get(), buffer_, bytes, {});
  }

  Result<> reply(int status, std::string_view content_type, std::string_view body) override {
    answered_ = true;
    // An unread body shall not keep the answer from the client, but it ends the connection.
    std::string fields = "Content-Type: " + std::string(content_type) +
                         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    return send(head_of(status, fields).append(body));
  }

  Result<> begin_stream(std::string_view content_type) override {
    answered_ = true;
    return send(head_of(
        200, "Content-Type: " + std::string(content_type) + "\r\nTransfer-Encoding: chunked\r\n"));
  }

  Result<> stream(std::string_view bytes) override {
    if (bytes.empty()) return {};
    return send(encode_chunk(bytes));
  }

  Result<> end_stream() override { return send(encode_chunk("")); }

  Result<UniqueFd> upgrade() override {
    answered_ = true;
    TRY(send(head_of(101, "Connection: Upgrade\r\nUpgrade: appshot-stream\r\n")));
    return std::move(connection_);
  }

 private:
  Result<> send(std::string_view bytes) {
    Result<> sent = send_all(connection_.get(), bytes);
    if (!sent) broken_ = true;
    return sent;
  }

  UniqueFd& connection_;
  std::string& buffer_;
  HttpReader<true> reader_;
  HttpRequest request_;
  bool answered_ = false;
  bool broken_ = false;
};

}  // namespace

std::string HttpRequest::parameter(const std::string& name, std::string_view otherwise) const {
  auto found = query.find(name);
  return found == query.end() ? std::string(otherwise) : found->second;
}

void serve_http(UniqueFd connection, const HttpHandler& handler) {
  std::string buffer;
  for (bool next = true; next;) {
    Exchange exchange(connection, buffer);
    Result<bool> read = exchange.read_request();
    if (!read && read.error().cls() == ErrorClass::corrupt)
      (void)exchange.reply(400, "text/plain", read.error().message() + "\n");
    if (!read || !*read) return;
    handler(exchange);
    next = exchange.ready_for_next();
  }
}

}  // namespace appshot
