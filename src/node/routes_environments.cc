// /v1/environments
#include "node/routes.h"

namespace appshot {
namespace {

void create(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  if (!call.flag("progress"))
    return answer_result_of(call, services.environments.create(*request, {}), 201);
  answer_with_progress(call, [&](const ProgressListener& progress) {
    return services.environments.create(*request, progress);
  });
}

// The head of the answer is sent with the first bytes, so that an early error is an error answer.
// A later one breaks the stream off: the reader sees that its end is missing.
void export_environment(Call& call, Services& services) {
  HttpExchange& exchange = call.exchange();
  Result<> exported =
      services.environments.export_to(call.name("name"), [&](std::string_view bytes) {
        if (!exchange.answered())
          if (Result<> begun = exchange.begin_stream("application/octet-stream"); !begun)
            return begun;
        return exchange.stream(bytes);
      });
  if (!exported && !exchange.answered()) return call.refuse(exported.error());
  if (exported) (void)exchange.end_stream();
}

void import_environment(Call& call, Services& services) {
  answer_result_of(call,
                   services.environments.import_from(
                       call.parameter("name"),
                       call.flag("allow_public") ? WhoseRules::trusted : WhoseRules::anybodys,
                       [&](std::span<char> bytes) { return call.exchange().read_body(bytes); }),
                   201);
}

// {"folder", "tag"}: the tag says that it is to be an OCI image layout.
void export_to_folder(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  const std::string folder = string_at(*request, "folder");
  answer_with_progress(call, [&](const ProgressListener& progress) {
    return request->contains("tag")
               ? services.environments.export_oci(call.name("name"), folder,
                                                  string_at(*request, "tag"), progress)
               : services.environments.export_folder(call.name("name"), folder, progress);
  });
}

void keep(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  answer_result_of(
      call, services.environments.keep_changes(call.name("name"), string_at(*request, "aid")));
}

void set_rules(Call& call, Services& services, const std::string& name) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  answer_result_of(call, services.environments.set_rules(name, string_at(*request, "rules")));
}

}  // namespace

void add_environment_routes(Router& router, Services& services) {
  router.add("GET", "/v1/environments",
             [&](Call& call) { answer_result_of(call, services.environments.list()); });
  router.add("POST", "/v1/environments", [&](Call& call) { create(call, services); });
  router.add("GET", "/v1/environments/{name}", [&](Call& call) {
    answer_result_of(call, services.environments.describe(call.name("name")));
  });
  router.add("DELETE", "/v1/environments/{name}", [&](Call& call) {
    answer_result_of(call, services.environments.remove(call.name("name")));
  });
  router.add("GET", "/v1/environments/{name}/rules", [&](Call& call) {
    answer_result_of(call, services.environments.rules(call.name("name")));
  });
  router.add("POST", "/v1/environments/{name}/rules",
             [&](Call& call) { set_rules(call, services, call.name("name")); });
  router.add("GET", "/v1/rules",
             [&](Call& call) { answer_result_of(call, services.environments.rules("")); });
  router.add("POST", "/v1/rules", [&](Call& call) { set_rules(call, services, ""); });
  router.add("GET", "/v1/environments/{name}/resolve", [&](Call& call) {
    answer_result_of(call, services.environments.resolve(call.name("name"), call.parameter("path"),
                                                         call.parameter("aid")));
  });
  router.add("GET", "/v1/environments/{name}/diff", [&](Call& call) {
    answer_result_of(call, services.environments.diff(call.name("name"), call.flag("all")));
  });
  router.add("GET", "/v1/environments/{name}/export",
             [&](Call& call) { export_environment(call, services); });
  router.add("POST", "/v1/environments/{name}/export",
             [&](Call& call) { export_to_folder(call, services); });
  router.add("POST", "/v1/environments/import",
             [&](Call& call) { import_environment(call, services); });
  router.add("POST", "/v1/environments/{name}/keep", [&](Call& call) { keep(call, services); });
}

}  // namespace appshot
