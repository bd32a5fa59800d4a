#include "restore/inside.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/pace.h"
#include "os/fault.h"
#include "os/file.h"
#include "protocol/messages.h"
#include "resources/epoll/epoll.h"
#include "resources/file_kind.h"
#include "resources/ipc/ipc.h"
#include "resources/layers/layers.h"
#include "resources/locks/locks.h"
#include "resources/mounts/restore_mounts.h"
#include "resources/mqueue/queues.h"
#include "resources/namespaces.h"
#include "resources/networks/networks.h"
#include "resources/plain_sockets/packets.h"
#include "resources/shared_memory.h"
#include "resources/tcp/make_sockets.h"
#include "resources/terminals/states.h"
#include "resources/unix_sockets/make_sockets.h"
#include "restore/become_child.h"
#include "restore/differences.h"
#include "restore/windows.h"

namespace appshot {
namespace {

// New descriptors are the lowest free ones: ours are moved up as they are made.
Result<> move_up(UniqueFd& fd, int first) {
  if (!fd || fd.get() >= first) return {};
  fd = UniqueFd(TRY_SYS(::fcntl(fd.get(), F_DUPFD_CLOEXEC, first)));
  return {};
}

Result<> open_files(RestoreContext& context) {
  context.files.resize(context.image.open_files.size());
  context.pipes.resize(context.image.pipes.size());
  for (size_t i = 0; i < context.files.size(); ++i) {
    const image::OpenFileT& file = *context.image.open_files[i];
    const FileKind* kind = find_file_kind(file.kind.type);
    if (kind == nullptr)
      return Error(ErrorClass::corrupt, "the image holds an open file of an unknown kind");
    context.files[i] =
        TRY(context.in_network(file.network, [&] { return kind->reopen(context, file); })
                .within("open file " + std::to_string(i)));
    TRY(move_up(context.files[i], context.first_descriptor));
    for (PipeEnds& ends : context.pipes)
      for (UniqueFd* fd : {&ends.read, &ends.write, &ends.held})
        TRY(move_up(*fd, context.first_descriptor));
    for (auto& ghost : context.ghosts) TRY(move_up(ghost.second, context.first_descriptor));
    for (const auto& lock : file.locks) TRY(locks::take(context.files[i].get(), *lock));
  }
  return {};
}

// Ends that no description took, and the ends that kept pipes alive meanwhile.
void close_helper_ends(RestoreContext& context) { context.pipes.clear(); }

}  // namespace

image::PagesReader::Tell tell_now_and_then(const InitSetup::Tell& tell, const char* phase) {
  if (!tell) return {};
  return [tell, phase, pace = Pace()](uint64_t done, uint64_t total) mutable {
    if (pace.due())
      tell(make_event("progress",
                      {{"progress", {{"phase", phase}, {"done", done}, {"total", total}}}}));
  };
}

std::vector<int> RestoreInside::descriptors() const {
  std::vector<int> used = image.pages.descriptors();
  used.push_back(application_group);
  used.push_back(own_users);
  for (const auto* named : {&streams, &entrusted})
    for (const auto& held : *named) used.push_back(held.second.get());
  return used;
}

Result<> RestoreInside::populate(KeptDescriptors& kept, const InitSetup::Tell& tell) {
  const int first_descriptor = plan.files.end();
  RestoreContext context{image.manifest,    image.pages,      std::move(streams), keeps_connections,
                         application_group, first_descriptor, own_users,          is_clone};
  context.tell_loaded = tell_now_and_then(tell, "memory");
  context.tell_checked = tell_now_and_then(tell, "files");
  rlimit descriptors{};
  TRY_SYS(::getrlimit(RLIMIT_NOFILE, &descriptors));
  descriptors.rlim_cur = descriptors.rlim_max;
  TRY_SYS(::setrlimit(RLIMIT_NOFILE, &descriptors));
  for (auto& stream : context.streams) TRY(move_up(stream.second, first_descriptor));
  kept.merge(entrusted);

  // Global and shared things first, then everything that refers to them.
  TRY(layers::restore_memory_files(image.manifest, image.pages));
  TRY(namespaces::make_all(context));
  TRY(networks::make_all(context).within("a network of the application"));
  TRY(mounts::make_all(context).within("what the application has mounted"));
  TRY(refuse_changed_files(context));
  TRY(ipc::restore(context));
  TRY(mqueues::restore_queues(context));
  TRY(make_shared_memory(context));
  for (UniqueFd& fd : context.shared_memory) TRY(move_up(fd, first_descriptor));
  TRY(terminals::make_all(context));
  for (UniqueFd& master : context.terminal_masters) TRY(move_up(master, first_descriptor));
  for (auto& held : kept) TRY(move_up(held.second, first_descriptor));
  TRY(unix_sockets::make_all(context));
  TRY(plain_sockets::make_deaf(context));
  TRY(tcp::make_all(context));
  if (context.lost_connections != 0)
    tell(make_event("lost", {{"connections", context.lost_connections}}));
  for (auto* sockets : {&context.sockets, &context.closed_peers})
    for (auto& socket : *sockets) TRY(move_up(socket.second, first_descriptor));
  TRY(open_files(context));
  TRY(plain_sockets::let_hear(context));
  TRY(unix_sockets::fill_all(context));
  TRY(terminals::finish_all(context));
  if (const int terminal = terminals::of_instance(image.manifest); terminal >= 0)
    kept["terminal"] = std::move(context.terminal_masters[static_cast<size_t>(terminal)]);
  std::vector<UniqueFd> mapped = TRY(plan.files.open_files(context));
  TRY(make_windows(context, plan.layout, plan.lazy,
                   plan.has_common_windows ? Windows::own : Windows::all));
  TRY(seal_shared_memory(context));
  TRY(ipc::restore_attached(context));
  close_helper_ends(context);
  TRY(epolls::fill_sets(context));
  TRY(networks::begin_filtering(context).within("packet filters of the application"));
  TRY(fault_point("restore.inside"));

  BecomeContext become{context,     plan.layout, plan.script,    *plan.zone,
                       plan.exe_fd, plan.late,   plan.own_parts, plan.births};
  return spawn_tree(become);
}

}  // namespace appshot
