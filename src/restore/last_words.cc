#include "restore/last_words.h"

#include "init/init.h"
#include "protocol/error_json.h"

namespace appshot {
namespace {

Result<Packet> ask_init(Channel& control, const char* op, Deadline deadline) {
  TRY(control.send({{"op", op}}));
  for (;;) {
    std::optional<Packet> packet = TRY(control.receive(deadline));
    if (!packet)
      return Error(ErrorClass::gone, std::string("the instance's init has died, asked for ") + op);
    if (packet->document.contains("event")) continue;  // something that happened meanwhile
    if (!bool_at(packet->document, "ok")) return error_from_json(field(packet->document, "error"));
    return std::move(*packet);
  }
}

}  // namespace

Result<UniqueFd> fetch_terminal(Channel& control, Deadline deadline) {
  Packet packet = TRY(ask_init(control, init_op::kFetch, deadline));
  std::vector<std::string> names = strings_at(packet.document, "names");
  for (size_t i = 0; i < names.size() && i < packet.fds.size(); ++i)
    if (names[i] == "terminal") return std::move(packet.fds[i]);
  return Error(ErrorClass::other, "init has no terminal");
}

Result<> commit_init(Channel& control, Deadline deadline) {
  TRY(ask_init(control, init_op::kCommit, deadline));
  return {};
}

}  // namespace appshot
