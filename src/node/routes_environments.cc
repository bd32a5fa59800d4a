// /v1/environments
#include "node/routes.h"

namespace appshot {
namespace {

void create(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  answer_result_of(call, services.environments.create(*request), 201);
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
  router.add("POST", "/v1/environments/{name}/keep", [&](Call& call) { keep(call, services); });
}

}  // namespace appshot
