#include "restore/last_words.h"

#include <array>

#include "init/init.h"
#include "protocol/error_json.h"

namespace appshot {
namespace {

Result<Packet> ask_init(Channel& control, const Json& request, Deadline deadline,
                        std::span<const int> fds = {}) {
  TRY(control.send(request, fds));
  for (;;) {
    std::optional<Packet> packet = TRY(control.receive(deadline));
    if (!packet)
      return Error(ErrorClass::gone,
                   "the instance's init has died, asked for " + string_at(request, "op"));
    if (packet->document.contains("event")) continue;  // something that happened meanwhile
    if (!bool_at(packet->document, "ok")) return error_from_json(field(packet->document, "error"));
    return std::move(*packet);
  }
}

}  // namespace

Result<UniqueFd> fetch_terminal(Channel& control, Deadline deadline) {
  Packet packet = TRY(ask_init(control, {{"op", init_op::kFetch}}, deadline));
  std::vector<std::string> names = strings_at(packet.document, "names");
  for (size_t i = 0; i < names.size() && i < packet.fds.size(); ++i)
    if (names[i] == "terminal") return std::move(packet.fds[i]);
  return Error(ErrorClass::other, "init has no terminal");
}

Result<> entrust_pager(Channel& control, const Pager& pager, Deadline deadline) {
  TRY(ask_init(control,
               {{"op", init_op::kKeep}, {"names", {init_kept::kPager, init_kept::kPagerPage}}},
               deadline, std::array{pager.process_fd(), pager.page_fd()}));
  return {};
}

Result<> commit_init(Channel& control, Deadline deadline) {
  TRY(ask_init(control, {{"op", init_op::kCommit}}, deadline));
  return {};
}

}  // namespace appshot
