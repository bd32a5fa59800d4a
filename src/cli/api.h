// The API as the commands use it: documents in and out, errors as Errors, the daemon started on
// first use.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "api/http_client.h"
#include "api/paths.h"
#include "protocol/json.h"

namespace appshot {

class Api {
 public:
  using ProgressListener = std::function<void(const Json& progress)>;
  using LineListener = std::function<Result<>(const std::string& line)>;

  Api(Paths paths, MaybeDeadline deadline) : paths_(std::move(paths)), deadline_(deadline) {}

  Result<Json> get(const std::string& target) { return call("GET", target, ""); }
  Result<Json> post(const std::string& target, const Json& body = Json::object());
  Result<Json> remove(const std::string& target) { return call("DELETE", target, ""); }
  Result<Json> post_with_progress(const std::string& target, const Json& body,
                                  const ProgressListener& progress);
  // Each line of a stream, until it ends.
  Result<> lines(const std::string& target, const LineListener& line);
  Result<HttpClient::Stream> stream(const std::string& target, const Json& body);

  // A connection for what the above does not do; its answers are checked with `refusal`.
  Result<HttpClient> connect();
  // The daemon is not started for this.
  Result<HttpClient> connect_if_running();
  Error refusal(HttpClient& http, int status);

  // What a shell would report for the last refusal, when the program itself was the reason.
  std::optional<int> program_status() const { return program_status_; }
  const Paths& paths() const { return paths_; }

 private:
  Result<Json> call(std::string_view method, const std::string& target, std::string_view body);
  Result<HttpClient*> connection();

  Paths paths_;
  MaybeDeadline deadline_;
  std::optional<HttpClient> http_;  // kept for the next request
  std::optional<int> program_status_;
};

// "/v1/instances/" + AID + rest.
std::string instance_path(const std::string& aid, const std::string& rest = "");
std::string environment_path(const std::string& name, const std::string& rest = "");
std::string snapshot_path(const std::string& id, const std::string& rest = "");

}  // namespace appshot
