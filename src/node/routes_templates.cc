// /v1/templates, /v1/clones
#include "node/routes.h"

namespace appshot {
namespace {

void make_template(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  const TemplateWish wish{string_at(*request, "from"), string_at(*request, "name"),
                          bool_at(*request, "warm")};
  answer_with_progress(call, [&](const ProgressListener& progress) {
    return services.templates.make(wish, progress);
  });
}

void clone(Call& call, Services& services) {
  Result<Json> request = call.document();
  if (!request) return call.refuse(request.error());
  const std::string connections = string_at(*request, "connections");
  const std::optional<ConnectionsWish> known = connections_wish_from_name(connections);
  if (!known)
    return call.refuse(
        Error(ErrorClass::usage,
              "connections are to close, keep-first or refuse, not '" + connections + "'"));
  CloneWish wish;
  wish.connections = *known;
  wish.from = string_at(*request, "from");
  wish.count = int_at(*request, "count", 1);
  wish.name = string_at(*request, "name");
  wish.memory = string_at(*request, "memory");
  wish.ports = strings_at(*request, "ports");
  wish.env = strings_at(*request, "env");
  answer_with_progress(
      call, [&](const ProgressListener& progress) { return services.clones.make(wish, progress); });
}

}  // namespace

void add_template_routes(Router& router, Services& services) {
  router.add("GET", "/v1/templates",
             [&](Call& call) { answer_result_of(call, services.templates.list()); });
  router.add("POST", "/v1/templates", [&](Call& call) { make_template(call, services); });
  router.add("GET", "/v1/templates/{id}", [&](Call& call) {
    answer_result_of(call, services.templates.describe(call.name("id"), call.flag("records")));
  });
  router.add("DELETE", "/v1/templates/{id}", [&](Call& call) {
    answer_result_of(call, services.templates.remove(call.name("id")));
  });
  router.add("POST", "/v1/clones", [&](Call& call) { clone(call, services); });
}

}  // namespace appshot
