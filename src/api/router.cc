#include "api/router.h"

#include <optional>

#include "api/http_status.h"
#include "protocol/error_json.h"

namespace appshot {
namespace {

std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);  // the slash
  std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

std::optional<std::map<std::string, std::string>> match(std::string_view pattern,
                                                        std::string_view path) {
  std::map<std::string, std::string> names;
  while (!pattern.empty() && !path.empty()) {
    std::string_view wanted = next_segment(pattern);
    std::string_view given = next_segment(path);
    if (wanted.starts_with('{') && !given.empty()) {
      names[std::string(wanted.substr(1, wanted.size() - 2))] = given;
    } else if (wanted != given) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return names;
}

}  // namespace

Result<Json> Call::document() {
  std::string text = TRY(exchange_.body());
  if (text.empty()) return Json::object();
  Result<Json> document = parse_json(text);
  if (!document || !document->is_object())
    return Error(ErrorClass::usage, "the request's body is not a JSON object");
  return document;
}

void Call::answer(const Json& document, int status) {
  // A client that has left by now needs no answer.
  (void)exchange_.reply(status, "application/json", json_text(document) + "\n");
}

void Call::refuse(const Error& error, Json extra) {
  extra["error"] = error_to_json(error);
  answer(extra, http_status_of(error.cls()));
}

void Router::add(std::string method, std::string pattern, RouteHandler handler) {
  routes_.push_back({std::move(method), std::move(pattern), std::move(handler)});
}

void Router::handle(HttpExchange& exchange) const {
  const HttpRequest& request = exchange.request();
  bool path_known = false;
  for (const Route& route : routes_) {
    if (!request.path.starts_with('/')) break;
    auto names = match(route.pattern, request.path);
    if (!names) continue;
    path_known = true;
    if (route.method != request.method) continue;
    Call call(exchange, std::move(*names));
    route.handler(call);
    if (!exchange.answered()) call.answer(Json::object());
    return;
  }
  Call call(exchange, {});
  std::string what = request.method + " " + request.path;
  if (path_known) {
    call.answer({{"error", error_to_json(Error(ErrorClass::usage, what + " is not supported"))}},
                405);
  } else {
    call.refuse(Error(ErrorClass::not_found, "there is no " + what));
  }
}

std::vector<std::string> Router::routes() const {
  std::vector<std::string> list;
  for (const Route& route : routes_) list.push_back(route.method + " " + route.pattern);
  return list;
}

}  // namespace appshot
