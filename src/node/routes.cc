#include "node/routes.h"

#include "protocol/error_json.h"

namespace appshot {

void add_all_routes(Router& router, Services& services) {
  add_instance_routes(router, services);
  add_stream_routes(router, services);
  add_snapshot_routes(router, services);
  add_template_routes(router, services);
  add_environment_routes(router, services);
  add_endpoint_routes(router, services);
  add_system_routes(router, services);
}

std::optional<int> program_status(const Error& error) {
  // Without an errno it is not the program that was not found.
  if (error.err() == ENOENT || error.err() == ENOTDIR) return 127;
  if (error.err() == ENOEXEC || (error.cls() == ErrorClass::denied && error.err() != 0)) return 126;
  return std::nullopt;
}

void answer_result_of(Call& call, const Result<Json>& result, int status) {
  if (result) {
    call.answer(*result, status);
  } else {
    call.refuse(result.error());
  }
}

void answer_with_progress(Call& call,
                          const std::function<Result<Json>(const ProgressListener&)>& operation) {
  if (!call.flag("progress")) return answer_result_of(call, operation({}));
  HttpExchange& exchange = call.exchange();
  // The operation goes on when its reader leaves.
  (void)exchange.begin_stream("application/x-ndjson");
  Result<Json> result = operation([&](const Json& progress) {
    (void)exchange.stream(json_text({{"progress", progress}}) + "\n");
  });
  Json last = result ? Json{{"result", *result}} : Json{{"error", error_to_json(result.error())}};
  (void)exchange.stream(json_text(last) + "\n");
  (void)exchange.end_stream();
}

}  // namespace appshot
