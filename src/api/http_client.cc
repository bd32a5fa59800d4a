#include "api/http_client.h"

#include <sys/socket.h>

#include <array>
#include <optional>

#include "api/http_reader.h"
#include "protocol/unix_address.h"

namespace appshot {
namespace {

std::string head_of(std::string_view method, std::string_view target, std::string_view fields) {
  std::string head(method);
  return head.append(" ").append(target).append(" HTTP/1.1\r\nHost: appshot\r\n").append(fields);
}

std::string json_fields(size_t length) {
  std::string fields = length > 0 ? "Content-Type: application/json\r\n" : "";
  return fields + "Content-Length: " + std::to_string(length) + "\r\n\r\n";
}

}  // namespace

struct HttpClient::State {
  explicit State(UniqueFd socket) : connection(std::move(socket)) {}
  UniqueFd connection;
  std::string buffer;  // read ahead
  std::string line;    // of the body, not yet whole
  std::optional<HttpReader<false>> reader;
  MaybeDeadline deadline;
};

HttpClient::HttpClient(UniqueFd connection)
    : state_(std::make_unique<State>(std::move(connection))) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpClient> HttpClient::connect(const std::string& socket_path) {
  UniqueFd socket(TRY_SYS(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  TRY(connect_unix(socket.get(), socket_path));
  return HttpClient(std::move(socket));
}

void HttpClient::set_deadline(MaybeDeadline deadline) { state_->deadline = deadline; }

int HttpClient::fd() const { return state_->connection.get(); }

Result<int> HttpClient::request(std::string_view method, std::string_view target,
                                std::string_view body) {
  std::string message = head_of(method, target, json_fields(body.size()));
  TRY(send_all(fd(), message.append(body)));
  return read_answer();
}

Result<> HttpClient::begin_upload(std::string_view method, std::string_view target) {
  return send_all(fd(), head_of(method, target, "Transfer-Encoding: chunked\r\n\r\n"));
}

Result<> HttpClient::upload(std::string_view bytes) {
  if (bytes.empty()) return {};
  return send_all(fd(), encode_chunk(bytes));
}

Result<int> HttpClient::end_upload() {
  TRY(send_all(fd(), encode_chunk("")));
  return read_answer();
}

Result<int> HttpClient::read_answer() {
  state_->line.clear();
  state_->reader.emplace();
  if (!TRY(state_->reader->read_head(fd(), state_->buffer, state_->deadline)))
    return Error(ErrorClass::gone, "the daemon closed the connection");
  return static_cast<int>(state_->reader->head().result_int());
}

Result<size_t> HttpClient::read_body(std::span<char> bytes) {
  return state_->reader->read_body(fd(), state_->buffer, bytes, state_->deadline);
}

Result<std::string> HttpClient::body() {
  std::string whole;
  std::array<char, 16384> bytes;
  for (;;) {
    size_t got = TRY(read_body(bytes));
    if (got == 0) return whole;
    whole.append(bytes.data(), got);
  }
}

Result<std::optional<std::string>> HttpClient::body_line() {
  std::array<char, 16384> bytes;
  for (;;) {
    if (size_t end = state_->line.find('\n'); end != std::string::npos) {
      std::string line = state_->line.substr(0, end);
      state_->line.erase(0, end + 1);
      return std::optional<std::string>(std::move(line));
    }
    size_t got = TRY(read_body(bytes));
    if (got == 0) return std::optional<std::string>();
    state_->line.append(bytes.data(), got);
  }
}

Result<std::optional<HttpClient::Stream>> HttpClient::upgrade(std::string_view target,
                                                              std::string_view body) {
  std::string fields = "Connection: Upgrade\r\nUpgrade: appshot-stream\r\n";
  std::string message = head_of("POST", target, fields + json_fields(body.size()));
  TRY(send_all(fd(), message.append(body)));
  int status = TRY(read_answer());
  if (status != 101) return std::optional<Stream>();
  return std::optional<Stream>(Stream{std::move(state_->connection), std::move(state_->buffer)});
}

}  // namespace appshot
