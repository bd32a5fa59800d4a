#include "cli/api.h"

#include "cli/daemon_start.h"
#include "protocol/error_json.h"

namespace appshot {
namespace {

bool nobody_listens(const Error& error) {
  return error.err() == ENOENT || error.err() == ECONNREFUSED;
}

}  // namespace

std::string instance_path(const std::string& aid, const std::string& rest) {
  return "/v1/instances/" + percent_encode(aid) + rest;
}

std::string environment_path(const std::string& name, const std::string& rest) {
  return "/v1/environments/" + percent_encode(name) + rest;
}

std::string snapshot_path(const std::string& id, const std::string& rest) {
  return "/v1/snapshots/" + percent_encode(id) + rest;
}

Result<HttpClient> Api::connect_if_running() {
  HttpClient http = TRY(HttpClient::connect(paths_.socket()));
  http.set_deadline(deadline_);
  return http;
}

Result<HttpClient> Api::connect() {
  Result<HttpClient> http = connect_if_running();
  if (http || !nobody_listens(http.error())) return http;
  TRY(start_daemon(paths_).within("cannot start the daemon"));
  return connect_if_running();
}

Result<HttpClient*> Api::connection() {
  if (!http_) http_ = TRY(connect());
  return &*http_;
}

Error Api::refusal(HttpClient& http, int status) {
  Result<std::string> text = http.body();
  Result<Json> document = text ? parse_json(*text) : Result<Json>(text.take_error());
  if (!document)
    return Error(ErrorClass::other, "the daemon answered with status " + std::to_string(status));
  const Json& program = field(*document, "program_status");
  if (program.is_number()) program_status_ = program.get<int>();
  return error_from_json(field(*document, "error"));
}

Result<Json> Api::post(const std::string& target, const Json& body) {
  return call("POST", target, json_text(body));
}

Result<Json> Api::call(std::string_view method, const std::string& target, std::string_view body) {
  HttpClient* http = TRY(connection());
  Result<int> status = http->request(method, target, body);
  // The daemon has ended before it answered; who only reads asks the next one.
  if (!status && status.error().cls() == ErrorClass::gone && method == "GET") {
    http_.reset();
    http = TRY(connection());
    status = http->request(method, target, body);
  }
  const int code = TRY(std::move(status));
  if (code >= 400) return refusal(*http, code);
  std::string text = TRY(http->body());
  return parse_json(text).within("the daemon's answer");
}

Result<Json> Api::post_with_progress(const std::string& target, const Json& body,
                                     const ProgressListener& progress) {
  if (!progress) return post(target, body);
  HttpClient& http = *TRY(connection());
  int status = TRY(http.request("POST", target + "?progress=true", json_text(body)));
  if (status >= 400) return refusal(http, status);
  Json last;
  while (std::optional<std::string> line = TRY(http.body_line())) {
    last = TRY(parse_json(*line));
    if (last.contains("progress")) progress(last["progress"]);
  }
  if (last.contains("result")) return last["result"];
  if (last.contains("error")) return error_from_json(last["error"]);
  return Error(ErrorClass::gone, "the daemon ended before the operation did");
}

Result<> Api::lines(const std::string& target, const LineListener& listener) {
  HttpClient& http = *TRY(connection());
  int status = TRY(http.request("GET", target));
  if (status >= 400) return refusal(http, status);
  while (std::optional<std::string> line = TRY(http.body_line()))
    if (!line->empty()) TRY(listener(*line));
  return {};
}

Result<HttpClient::Stream> Api::stream(const std::string& target, const Json& body) {
  HttpClient http = TRY(connect());
  std::optional<HttpClient::Stream> stream = TRY(http.upgrade(target, json_text(body)));
  if (stream) return std::move(*stream);
  return refusal(http, 0);
}

}  // namespace appshot
