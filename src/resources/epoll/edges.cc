#include "resources/epoll/edges.h"

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>

namespace appshot::epolls {
namespace {

constexpr int kNestingMax = 8;  // the kernel allows less
constexpr uint32_t kPollBits = 0xffff;

const image::OpenFileT& file_of(const image::ImageT& image, const image::EpollTargetT& target) {
  return *image.open_files[static_cast<size_t>(target.file)];
}

// Files that become ready only by what the application does. With others it may happen while they
// are restored, and that would be another edge.
bool waits_for_application(const image::OpenFileT& file) {
  switch (file.kind.type) {
    case image::FileKind::Pipe:
    case image::FileKind::NamedPipe:
    case image::FileKind::Eventfd:
    case image::FileKind::MessageQueueFile:
    case image::FileKind::UnixSocket:
      return true;
    default:
      return false;
  }
}

bool may_be_taken(const image::ImageT& image, const image::EpollTargetT& target) {
  return (target.events & EPOLLET) != 0 && (target.events & EPOLLONESHOT) == 0 &&
         waits_for_application(file_of(image, target));
}

// A signalfd is ready or not depending on who looks, and one that is found not ready is forgotten.
bool may_be_looked_at(const image::ImageT& image, const image::EpollT& set, int depth = 0) {
  if (depth > kNestingMax) return false;
  return std::all_of(set.targets.begin(), set.targets.end(), [&](const auto& target) {
    const image::OpenFileT& file = file_of(image, *target);
    if (file.kind.type == image::FileKind::Signalfd) return false;
    return file.kind.type != image::FileKind::Epoll ||
           may_be_looked_at(image, *file.kind.AsEpoll(), depth + 1);
  });
}

bool is_ready(int fd, uint32_t events) {
  pollfd state{fd, static_cast<short>(events & kPollBits), 0};
  return ::poll(&state, 1, 0) > 0;
}

}  // namespace

Result<> find_taken_edges(image::ImageT& image, const CopyOfFile& copy_of) {
  for (size_t i = 0; i < image.open_files.size(); ++i) {
    if (image.open_files[i]->kind.type != image::FileKind::Epoll) continue;
    image::EpollT& set = *image.open_files[i]->kind.AsEpoll();
    auto candidate = [&](const auto& target) { return may_be_taken(image, *target); };
    if (std::none_of(set.targets.begin(), set.targets.end(), candidate)) continue;
    if (!may_be_looked_at(image, set)) continue;
    if (is_ready(TRY(copy_of(static_cast<int>(i))).get(), EPOLLIN)) continue;
    for (auto& target : set.targets)
      if (candidate(target))
        target->taken = is_ready(TRY(copy_of(target->file)).get(), target->events);
  }
  return {};
}

}  // namespace appshot::epolls
