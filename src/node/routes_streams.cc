// Routes that outlast their answer: attach, exec, logs, events.
#include <poll.h>

#include "api/http_io.h"
#include "node/log_stream.h"
#include "node/routes.h"
#include "protocol/error_json.h"
#include "protocol/frames.h"

namespace appshot {
namespace {

// The client's connection becomes the stream and goes to the harness. What goes wrong after that is
// told in a detach frame: {"error": {…}, "program_status": 127}.
void hand_over(Call& call, Services& services, std::string_view op) {
  const std::string& aid = call.name("aid");
  Result<Json> arguments = call.document();
  if (!arguments) return call.refuse(arguments.error());
  if (op == "exec" && strings_at(*arguments, "argv").empty())
    return call.refuse(Error(ErrorClass::usage, "no program to run"));
  if (!call.exchange().request().wants_stream)
    return call.refuse(Error(ErrorClass::usage, "this needs Upgrade: appshot-stream"));
  if (Result<> reachable = services.instances.reachable(aid); !reachable)
    return call.refuse(reachable.error());
  Result<UniqueFd> stream = call.exchange().upgrade();
  if (!stream) return;
  // The first attach to a held instance starts its program, as exec does.
  Result<InstanceRecord> record = services.node.registry.instance(aid);
  bool starts = op == "exec" || (record && record->state == InstanceState::held);
  Result<> handed = services.instances.hand_over(aid, op, *arguments, stream->get());
  if (handed) return;
  Json farewell{{"error", error_to_json(handed.error())}};
  if (auto status = program_status(handed.error()); status && starts)
    farewell["program_status"] = *status;
  (void)send_all(stream->get(), encode_frame(FrameType::detach, json_text(farewell)));
}

void logs(Call& call, Services& services) {
  Result<InstanceRecord> record = services.node.registry.instance(call.name("aid"));
  if (!record) return call.refuse(record.error());
  HttpExchange& exchange = call.exchange();
  LogWish wish;
  wish.aid = record->aid;
  wish.folder = services.node.paths.instance_state(record->aid);
  wish.follow = call.flag("follow");
  wish.client = exchange.fd();
  wish.ended = [&services, aid = record->aid] {
    Result<InstanceRecord> now = services.node.registry.instance(aid);
    return !now || !is_alive(now->state);
  };
  if (!exchange.begin_stream("application/x-ndjson")) return;
  (void)stream_log(wish, services.node.events,
                   [&](std::string_view lines) { return exchange.stream(lines); });
  (void)exchange.end_stream();
}

std::string event_lines(const std::vector<EventRecord>& events, const std::string& aid,
                        int64_t& last) {
  std::string lines;
  for (const EventRecord& event : events) {
    if (event.seq != 0 && event.seq <= last) continue;  // told already
    last = std::max(last, event.seq);
    if (aid.empty() || event.aid == aid) lines += json_text(event_to_json(event)) + "\n";
  }
  return lines;
}

void events(Call& call, Services& services) {
  HttpExchange& exchange = call.exchange();
  std::string aid = call.parameter("aid");
  int64_t last = std::atoll(call.parameter("after").c_str());
  int64_t limit = 1000;
  if (std::string wanted = call.parameter("limit"); !wanted.empty())
    limit = std::atoll(wanted.c_str());
  // Subscribed before reading what was, so that nothing falls between.
  auto news = services.node.events.subscribe();
  Result<std::vector<EventRecord>> past = services.node.events.recent(last, limit, aid);
  if (!past) return call.refuse(past.error());
  if (!exchange.begin_stream("application/x-ndjson")) return;
  bool alive = static_cast<bool>(exchange.stream(event_lines(*past, aid, last)));
  while (alive && call.flag("follow")) {
    pollfd entries[] = {{news->fd(), POLLIN, 0}, {exchange.fd(), POLLIN | POLLRDHUP, 0}};
    if (::poll(entries, 2, -1) < 0 && errno != EINTR) break;
    if (entries[1].revents != 0) break;
    alive = static_cast<bool>(exchange.stream(event_lines(news->take(), aid, last)));
  }
  (void)exchange.end_stream();
}

}  // namespace

void add_stream_routes(Router& router, Services& services) {
  router.add("POST", "/v1/instances/{aid}/attach",
             [&](Call& call) { hand_over(call, services, "attach"); });
  router.add("POST", "/v1/instances/{aid}/exec",
             [&](Call& call) { hand_over(call, services, "exec"); });
  router.add("GET", "/v1/instances/{aid}/logs", [&](Call& call) { logs(call, services); });
  router.add("GET", "/v1/events", [&](Call& call) { events(call, services); });
}

}  // namespace appshot
