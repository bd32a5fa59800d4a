#include "endpoints/translation.h"

#include <array>
#include <vector>

#include "endpoints/translation_program.h"
#include "os/bpf.h"
#include "os/links.h"

namespace appshot {
namespace {

Error unsupported(const Error& error) {
  return Error(ErrorClass::unsupported,
               "it cannot keep the address that it has inside, as others know it by another: " +
                   error.message())
      .with_errno(error.err())
      .hint(
          "restore it under its own address, when nobody has that; or use a kernel that is built "
          "with CONFIG_NET_CLS_BPF and CONFIG_NET_SCH_INGRESS");
}

Result<UniqueFd> load(std::vector<Exchange> exchanges) {
  std::erase_if(exchanges, [](const Exchange& one) { return !one.from || !one.to; });
  bpf_attr about{};
  about.prog_type = BPF_PROG_TYPE_SCHED_CLS;
  return bpf::load(about, translation_program(exchanges));
}

}  // namespace

Result<> translate_at(NetlinkSocket& host, int device, const EndpointAddresses& addresses) {
  using enum Exchange::Which;
  const IpAddress &outer_v4 = addresses.v4, &outer_v6 = addresses.v6;
  const IpAddress inner_v4 = addresses.inside_v4(), inner_v6 = addresses.inside_v6();
  const IpAddress namesake = addresses.namesake_v4();
  const Result<UniqueFd> coming = load({{destination, namesake, inner_v4},
                                        {source, inner_v4, outer_v4},
                                        {source, inner_v6, outer_v6}});
  if (!coming) return unsupported(coming.error());
  const Result<UniqueFd> going = load({{source, inner_v4, namesake},
                                       {destination, outer_v4, inner_v4},
                                       {destination, outer_v6, inner_v6}});
  if (!going) return unsupported(going.error());
  const std::array changes = {links::let_programs_see(device),
                              links::add_program(device, links::Way::coming, coming->get()),
                              links::add_program(device, links::Way::going, going->get())};
  if (Result<> attached = host.change(changes); !attached) return unsupported(attached.error());
  return {};
}

}  // namespace appshot
