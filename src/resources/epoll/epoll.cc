#include "resources/epoll/epoll.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace appshot::epolls {
namespace {

// A signalfd in a set watches the signals of whoever added it.
bool added_by_its_process(const image::OpenFileT& file) {
  return file.kind.type == image::FileKind::Signalfd;
}

// Entries of which the set must not speak before something new happens: of an edge that it has
// reported, and of a one-shot entry that it has used up.
bool is_silent(const image::EpollTargetT& target) {
  constexpr uint32_t kModes = EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE;
  const bool used_up = (target.events & EPOLLONESHOT) != 0 && (target.events & ~kModes) == 0;
  return target.taken || used_up;
}

Result<> add(int set, int fd, const image::EpollTargetT& target) {
  epoll_event event{};
  event.events = target.events;
  event.data.u64 = target.data;
  TRY_SYS(::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
  return {};
}

// An entry is known by number and file: the file is put at that number for a moment.
Result<> add_under_number(int set, int file, const image::EpollTargetT& target) {
  // What init itself has there steps aside.
  UniqueFd aside(::fcntl(target.fd, F_DUPFD_CLOEXEC, file));
  TRY_SYS(::dup2(file, target.fd));
  Result<> added = add(set, target.fd, target);
  if (aside)
    TRY_SYS(::dup3(aside.get(), target.fd, O_CLOEXEC));
  else
    ::close(target.fd);
  return added;
}

}  // namespace

bool Epoll::recognises(const DescriptorRef& ref) const {
  return ref.descriptor.link == "anon_inode:[eventpoll]";
}

std::vector<image::EpollTargetT> parse_targets(const std::string& fdinfo) {
  std::vector<image::EpollTargetT> targets;
  std::istringstream lines(fdinfo);
  for (std::string line; std::getline(lines, line);) {
    image::EpollTargetT target;
    unsigned long data = 0;
    unsigned events = 0;
    if (std::sscanf(line.c_str(), "tfd: %d events: %x data: %lx", &target.fd, &events, &data) != 3)
      continue;
    target.events = events;
    target.data = data;
    targets.push_back(target);
  }
  return targets;
}

// Which files the entries are is found when all descriptors are known; see checkpoint/file_table.
Result<image::FileKindUnion> Epoll::capture(CaptureContext&, const DescriptorRef& ref) const {
  image::EpollT epoll;
  for (const image::EpollTargetT& target : parse_targets(ref.descriptor.fdinfo))
    epoll.targets.push_back(std::make_unique<image::EpollTargetT>(target));
  image::FileKindUnion kind;
  kind.Set(std::move(epoll));
  return kind;
}

Result<UniqueFd> Epoll::reopen(RestoreContext&, const image::OpenFileT&) const {
  return UniqueFd(TRY_SYS(::epoll_create1(EPOLL_CLOEXEC)));
}

namespace {

// How many.
Result<size_t> add_entries(RestoreContext& context, int set, const image::EpollT& epoll,
                           bool silent) {
  size_t count = 0;
  for (const auto& target : epoll.targets) {
    auto index = static_cast<size_t>(target->file);
    const UniqueFd& file = context.files[index];
    if (is_silent(*target) != silent || !file ||
        added_by_its_process(*context.image.open_files[index]))
      continue;
    TRY(add_under_number(set, file.get(), *target)
            .within("epoll entry for descriptor " + std::to_string(target->fd)));
    ++count;
  }
  return count;
}

}  // namespace

Result<> fill_sets(RestoreContext& context) {
  // A set inside a set may be added before it is filled itself: order does not matter.
  for (size_t i = 0; i < context.image.open_files.size(); ++i) {
    const image::OpenFileT& file = *context.image.open_files[i];
    if (file.kind.type != image::FileKind::Epoll) continue;
    const int set = context.files[i].get();
    const size_t silent = TRY(add_entries(context, set, *file.kind.AsEpoll(), true));
    if (silent > 0) {
      // Each is reported once if its file is ready, and then no more.
      std::vector<epoll_event> reports(silent);
      TRY_SYS(::epoll_wait(set, reports.data(), static_cast<int>(silent), 0));
    }
    TRY(add_entries(context, set, *file.kind.AsEpoll(), false));
  }
  return {};
}

Result<> fill_sets_child(const RestoreContext& context, const image::ProcessT& process) {
  for (const auto& descriptor : process.descriptors) {
    const image::OpenFileT& file = *context.image.open_files[static_cast<size_t>(descriptor->file)];
    if (file.kind.type != image::FileKind::Epoll) continue;
    for (const auto& target : file.kind.AsEpoll()->targets) {
      const image::OpenFileT& watched =
          *context.image.open_files[static_cast<size_t>(target->file)];
      if (!added_by_its_process(watched)) continue;
      // Another holder of the set may have been quicker.
      Result<> added = add(descriptor->fd, target->fd, *target);
      if (!added && added.error().err() != EEXIST && added.error().err() != EBADF) return added;
    }
  }
  return {};
}

void plan_late_entries(const image::ImageT& image, const image::ProcessT& process, CallList& calls,
                       DataSpace& data) {
  auto has = [&](const image::EpollTargetT& target) {
    return std::ranges::any_of(process.descriptors, [&](const auto& descriptor) {
      return descriptor->fd == target.fd && descriptor->file == target.file;
    });
  };
  for (const auto& descriptor : process.descriptors) {
    const image::OpenFileT& file = *image.open_files[static_cast<size_t>(descriptor->file)];
    if (file.kind.type != image::FileKind::Epoll) continue;
    for (const auto& target : file.kind.AsEpoll()->targets) {
      if (!is_made_late(*image.open_files[static_cast<size_t>(target->file)]) || !has(*target))
        continue;
      epoll_event event{};
      event.events = target->events;
      event.data.u64 = target->data;
      // Another holder of the set may have been quicker.
      calls.add_may_fail(SYS_epoll_ctl, descriptor->fd, EPOLL_CTL_ADD, target->fd, data.put(event));
    }
  }
}

}  // namespace appshot::epolls
