// Which handler answers which method and path; the list that docs/openapi.json is held to.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/http_server.h"
#include "protocol/json.h"

namespace appshot {

// One matched request: the exchange, and the {names} of the pattern with what stood there.
class Call {
 public:
  Call(HttpExchange& exchange, std::map<std::string, std::string> names)
      : exchange_(exchange), names_(std::move(names)) {}

  HttpExchange& exchange() { return exchange_; }
  const std::string& name(const std::string& of) const { return names_.at(of); }
  std::string parameter(const std::string& of) const { return exchange_.request().parameter(of); }
  bool flag(const std::string& of) const { return parameter(of) == "true"; }
  // The body as an object; an empty body is an empty object.
  Result<Json> document();

  void answer(const Json& document, int status = 200);
  void refuse(const Error& error, Json extra = Json::object());

 private:
  HttpExchange& exchange_;
  std::map<std::string, std::string> names_;
};

using RouteHandler = std::function<void(Call&)>;

class Router {
 public:
  // "/v1/instances/{aid}/kill": a {name} stands for one non-empty segment.
  void add(std::string method, std::string pattern, RouteHandler handler);
  void handle(HttpExchange& exchange) const;
  // "GET /v1/instances" and so on, in the order they were added.
  std::vector<std::string> routes() const;

 private:
  struct Route {
    std::string method;
    std::string pattern;
    RouteHandler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace appshot
