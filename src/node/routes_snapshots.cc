// /v1/snapshots
#include "node/routes.h"

namespace appshot {
namespace {

void restore(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  answer_with_progress(call, [&](const ProgressListener& progress) {
    return services.snapshots.restore(call.name("id"), string_at(*request, "as"),
                                      string_at(*request, "memory"), progress);
  });
}

// The head of the answer is sent with the first bytes, so that an early error is an error answer.
// A later one breaks the stream off: the reader sees that its end is missing.
void export_snapshot(Call& call, Services& services) {
  HttpExchange& exchange = call.exchange();
  Result<> exported = services.snapshots.export_to(call.name("id"), [&](std::string_view bytes) {
    if (!exchange.answered())
      if (Result<> begun = exchange.begin_stream("application/octet-stream"); !begun) return begun;
    return exchange.stream(bytes);
  });
  if (!exported && !exchange.answered()) return call.refuse(exported.error());
  if (exported) (void)exchange.end_stream();
}

void import_snapshot(Call& call, Services& services) {
  answer_result_of(call,
                   services.snapshots.import_from(
                       call.parameter("name"),
                       [&](std::span<char> bytes) { return call.exchange().read_body(bytes); }),
                   201);
}

}  // namespace

void add_snapshot_routes(Router& router, Services& services) {
  router.add("GET", "/v1/snapshots",
             [&](Call& call) { answer_result_of(call, services.snapshots.list()); });
  router.add("POST", "/v1/snapshots", [&](Call& call) { import_snapshot(call, services); });
  router.add("GET", "/v1/snapshots/{id}", [&](Call& call) {
    answer_result_of(call, services.snapshots.describe(call.name("id"), call.flag("records")));
  });
  router.add("DELETE", "/v1/snapshots/{id}", [&](Call& call) {
    answer_result_of(call, services.snapshots.remove(call.name("id")));
  });
  router.add("POST", "/v1/snapshots/{id}/restore", [&](Call& call) { restore(call, services); });
  router.add("POST", "/v1/snapshots/{id}/verify", [&](Call& call) {
    answer_result_of(call, services.snapshots.verify(call.name("id")));
  });
  router.add("GET", "/v1/snapshots/{id}/export",
             [&](Call& call) { export_snapshot(call, services); });
}

}  // namespace appshot
