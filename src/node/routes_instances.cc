// /v1/instances
#include <signal.h>

#include "node/routes.h"

namespace appshot {
namespace {

void launch(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  Result<Json> launched = services.instances.launch(*request);
  if (launched) return call.answer(*launched, 201);
  Json extra = Json::object();
  if (auto status = program_status(launched.error())) extra["program_status"] = *status;
  call.refuse(launched.error(), std::move(extra));
}

void join(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  Result<Json> joined = services.instances.join(call.name("aid"), *request);
  if (joined) return call.answer(*joined, 201);
  Json extra = Json::object();
  if (auto status = program_status(joined.error())) extra["program_status"] = *status;
  call.refuse(joined.error(), std::move(extra));
}

void kill(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  int64_t signal = int_at(*request, "signal", SIGTERM);
  if (signal < 1 || signal > SIGRTMAX)
    return call.refuse(Error(ErrorClass::usage, "there is no signal " + std::to_string(signal)));
  answer_result_of(call, services.instances.kill(call.name("aid"), static_cast<int>(signal),
                                                 int_at(*request, "pid")));
}

void stop(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  int64_t timeout_ms = int_at(*request, "timeout_ms", services.node.config.stop_timeout_ms);
  answer_result_of(call, services.instances.stop(call.name("aid"), timeout_ms));
}

void wait(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  int64_t timeout_ms = int_at(*request, "timeout_ms", 10'000);
  answer_result_of(call, services.instances.wait(call.name("aid"), timeout_ms));
}

void snapshot(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  SnapshotWish wish;
  wish.name = string_at(*request, "name");
  wish.stop = bool_at(*request, "stop");
  wish.sync = bool_at(*request, "sync");
  wish.full = bool_at(*request, "full");
  answer_with_progress(call, [&](const ProgressListener& progress) {
    return services.snapshots.take(call.name("aid"), wish, progress);
  });
}

void sleep(Call& call, Services& services) {
  SnapshotWish wish;
  wish.sleep = true;
  answer_with_progress(call, [&](const ProgressListener& progress) {
    return services.snapshots.take(call.name("aid"), wish, progress);
  });
}

void wake(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  answer_with_progress(call, [&](const ProgressListener& progress) {
    return services.snapshots.wake(call.name("aid"), string_at(*request, "memory"), progress);
  });
}

}  // namespace

void add_instance_routes(Router& router, Services& services) {
  auto add = [&](const char* method, const char* pattern, auto handler) {
    router.add(method, pattern, [&services, handler](Call& call) { handler(call, services); });
  };
  add("GET", "/v1/instances",
      [](Call& call, Services& s) { answer_result_of(call, s.instances.list(call.flag("all"))); });
  add("POST", "/v1/instances", launch);
  add("GET", "/v1/instances/{aid}", [](Call& call, Services& s) {
    answer_result_of(call, s.instances.describe(call.name("aid"), call.flag("records")));
  });
  add("DELETE", "/v1/instances/{aid}", [](Call& call, Services& s) {
    answer_result_of(call, s.instances.remove(call.name("aid"), call.flag("force")));
  });
  add("POST", "/v1/instances/{aid}/start",
      [](Call& call, Services& s) { answer_result_of(call, s.instances.start(call.name("aid"))); });
  add("POST", "/v1/instances/{aid}/programs", join);
  add("POST", "/v1/instances/{aid}/kill", kill);
  add("POST", "/v1/instances/{aid}/stop", stop);
  add("POST", "/v1/instances/{aid}/wait", wait);
  add("POST", "/v1/instances/{aid}/snapshot", snapshot);
  add("POST", "/v1/instances/{aid}/sleep", sleep);
  add("POST", "/v1/instances/{aid}/wake", wake);
  add("GET", "/v1/instances/{aid}/rids",
      [](Call& call, Services& s) { answer_result_of(call, s.instances.rids(call.name("aid"))); });
  add("GET", "/v1/instances/{aid}/check",
      [](Call& call, Services& s) { answer_result_of(call, s.instances.check(call.name("aid"))); });
  add("GET", "/v1/instances/{aid}/why",
      [](Call& call, Services& s) { answer_result_of(call, s.instances.why(call.name("aid"))); });
}

}  // namespace appshot
