#include "resources/tcp/options.h"

#include <netinet/tcp.h>

#include <cstring>

#include "resources/inet.h"

namespace appshot::tcp {
namespace {

constexpr int kTxDelay = 37;

constexpr OptionName kOptions[] = {{IPPROTO_TCP, TCP_CONGESTION},
                                   {IPPROTO_TCP, TCP_NODELAY},
                                   {IPPROTO_TCP, TCP_CORK},
                                   {IPPROTO_TCP, TCP_KEEPIDLE},
                                   {IPPROTO_TCP, TCP_KEEPINTVL},
                                   {IPPROTO_TCP, TCP_KEEPCNT},
                                   {IPPROTO_TCP, TCP_SYNCNT},
                                   {IPPROTO_TCP, TCP_LINGER2},
                                   {IPPROTO_TCP, TCP_DEFER_ACCEPT},
                                   {IPPROTO_TCP, TCP_USER_TIMEOUT},
                                   {IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS},
                                   {IPPROTO_TCP, TCP_FASTOPEN},
                                   {IPPROTO_TCP, TCP_FASTOPEN_CONNECT},
                                   {IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE},
                                   {IPPROTO_TCP, TCP_NOTSENT_LOWAT},
                                   {IPPROTO_TCP, TCP_SAVE_SYN},
                                   {IPPROTO_TCP, TCP_INQ},
                                   {IPPROTO_TCP, kTxDelay}};

// Of a connection these tell what has become of them, not what was asked for.
constexpr OptionName kBeforeConnection[] = {{IPPROTO_TCP, TCP_MAXSEG},
                                            {IPPROTO_TCP, TCP_WINDOW_CLAMP}};

// One that has been connected once tells what it was then, which may be more than can be asked for.
bool is_left_over(const image::SocketOptionT& option) {
  constexpr int kSegmentMax = 32767;
  int value = 0;
  if (option.level != IPPROTO_TCP || option.name != TCP_MAXSEG ||
      option.value.size() != sizeof value)
    return false;
  std::memcpy(&value, option.value.data(), sizeof value);
  return value > kSegmentMax;
}

}  // namespace

Result<SocketOptions> options_of(int socket, int domain, bool was_connected) {
  UniqueFd fresh(TRY_SYS(::socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  std::span<const OptionName> inet = inet_options(domain);
  std::vector<OptionName> names(inet.begin(), inet.end());
  names.insert(names.end(), std::begin(kOptions), std::end(kOptions));
  if (!was_connected)
    names.insert(names.end(), std::begin(kBeforeConnection), std::end(kBeforeConnection));
  SocketOptions options = TRY(capture_options(socket, fresh.get(), names));
  std::erase_if(options, [](const auto& option) { return is_left_over(*option); });
  return options;
}

}  // namespace appshot::tcp
