#include "resources/file_table.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <fmt/core.h>

#include <set>

#include "os/kcmp.h"
#include "resources/epoll/edges.h"
#include "resources/epoll/epoll.h"
#include "resources/file_kind.h"
#include "resources/locks/locks.h"
#include "resources/namespaces.h"
#include "resources/pipes/pipe.h"

namespace appshot {
namespace {

// Without the one line that is a property of the descriptor and not of the description; locks of
// the process show only in its own descriptors.
std::string appearance(const DescriptorSource& d) {
  return fmt::format("{} {} {} {} {:o}", d.link, d.info.st_dev, d.info.st_ino,
                     proc::field(d.fields, "pos"), d.flags() & ~static_cast<uint32_t>(O_CLOEXEC));
}

// Who gets SIGIO. The kernel answers in our ids; the owner's own status tells its id inside.
std::unique_ptr<image::OwnerT> capture_owner(const ProcessSource& process, int fd) {
  Result<UniqueFd> copy = process.pidfd.take_copy(fd);
  f_owner_ex owner{};
  if (!copy || ::fcntl(copy->get(), F_GETOWN_EX, &owner) != 0 || owner.pid == 0) return nullptr;
  Result<proc::ProcessDir> dir = proc::ProcessDir::open(HostPid{owner.pid});
  if (!dir) return nullptr;  // it has died; nobody gets the signal any more
  Result<proc::Fields> status = dir->status();
  if (!status) return nullptr;
  auto out = std::make_unique<image::OwnerT>();
  out->type = owner.type;
  out->id = proc::id_inside(*status, "NSpid");
  out->signal = ::fcntl(copy->get(), F_GETSIG);
  return out;
}

}  // namespace

FileTable::FileTable(CaptureContext& context) : context_(context) {
  context_.keep_in_flight = [this](UniqueFd file, const std::string& where) {
    return keep_in_flight(std::move(file), where);
  };
}

Result<int> FileTable::keep_in_flight(UniqueFd file, const std::string& where) {
  if (!ourselves_) ourselves_.emplace(TRY(ProcessSource::ourselves()));
  const DescriptorSource descriptor = TRY(look_at_descriptor(ourselves_->dir, file.get()));
  const DescriptorRef ref{context_.instance, *ourselves_, descriptor};
  const FileKind* kind = find_file_kind(ref);
  const std::string obstacle = kind == nullptr ? explain_unknown(ref).what : kind->obstacle(ref);
  if (kind == nullptr || !obstacle.empty()) {
    context_.obstacles.add("a descriptor of " + descriptor.link + " is " + where +
                               ", and such a file cannot be captured",
                           "let its receiver take it, or close it");
    return 0;
  }
  const int index = TRY(index_of(*ourselves_, descriptor));
  context_.in_flight.push_back(std::move(file));
  return index;
}

Result<> FileTable::add(const ProcessSource& process, image::ProcessT& into) {
  std::set<int> locked;
  for (const DescriptorSource& d : process.descriptors) {
    auto descriptor = std::make_unique<image::DescriptorT>();
    descriptor->fd = d.fd;
    descriptor->close_on_exec = (d.flags() & O_CLOEXEC) != 0;
    descriptor->file = TRY(index_of(process, d).within("descriptor " + std::to_string(d.fd)));
    // A process's lock shows with every descriptor of the open file that it was taken through, and
    // with no other of the same file: one is enough.
    const bool first_of_file = locked.insert(descriptor->file).second;
    for (auto& lock : locks::parse(d.fdinfo))
      if (locks::belongs_to_process(*lock) && first_of_file)
        descriptor->locks.push_back(std::move(lock));
    into.descriptors.push_back(std::move(descriptor));
  }
  return {};
}

Result<int> FileTable::index_of(const ProcessSource& process, const DescriptorSource& descriptor) {
  std::vector<Holder>& equals = by_appearance_[appearance(descriptor)];
  for (const Holder& holder : equals) {
    if (TRY(compare_open_files(holder.pid, holder.fd, process.host, descriptor.fd)) != 0) continue;
    by_descriptor_[{process.host.value, descriptor.fd}] = holder.index;
    return holder.index;
  }
  int index = TRY(capture_new(process, descriptor));
  equals.push_back({process.host, descriptor.fd, index});
  by_descriptor_[{process.host.value, descriptor.fd}] = index;
  first_holder_[index] = equals.back();
  return index;
}

Result<int> FileTable::capture_new(const ProcessSource& process,
                                   const DescriptorSource& descriptor) {
  DescriptorRef ref{context_.instance, process, descriptor};
  const FileKind* kind = find_file_kind(ref);
  if (kind == nullptr) {
    Obstacle why = explain_unknown(ref);
    context_.obstacles.add(why.what, why.hint);
    return 0;
  }
  auto file = std::make_unique<image::OpenFileT>();
  file->kind = TRY(kind->capture(context_, ref));
  file->flags = descriptor.flags() & ~static_cast<uint32_t>(O_CLOEXEC);
  file->offset = static_cast<int64_t>(proc::field_number(descriptor.fields, "pos"));
  if (S_ISSOCK(descriptor.info.st_mode) && (descriptor.flags() & O_PATH) == 0)
    file->network = TRY(namespaces::capture_network_of(
        context_, TRY(process.pidfd.take_copy(descriptor.fd)).get()));
  file->owner = capture_owner(process, descriptor.fd);
  for (auto& lock : locks::parse(descriptor.fdinfo))
    if (!locks::belongs_to_process(*lock)) file->locks.push_back(std::move(lock));
  context_.image.open_files.push_back(std::move(file));
  return static_cast<int>(context_.image.open_files.size()) - 1;
}

Result<> FileTable::resolve_epoll_targets(const std::vector<ProcessSource>& processes) {
  for (const auto& [index, holder] : first_holder_) {
    image::OpenFileT& file = *context_.image.open_files[static_cast<size_t>(index)];
    if (file.kind.type != image::FileKind::Epoll) continue;
    std::map<int, unsigned>
        seen;  // one number may stand in a set several times, for different files
    for (auto& target : file.kind.AsEpoll()->targets) {
      target->file = find_target(holder, *target, seen[target->fd]++, processes);
      if (target->file < 0)
        context_.obstacles.add(
            fmt::format(
                "descriptor {} of process {} watches (epoll) a file that no process has open",
                holder.fd, holder.pid.value),
            "remove it from the set");
    }
  }
  if (!context_.obstacles.empty()) return {};
  return epolls::find_taken_edges(context_.image,
                                  [&](int index) { return copy_of(index, processes); });
}

Result<UniqueFd> FileTable::copy_of(int index, const std::vector<ProcessSource>& processes) const {
  const Holder& holder = first_holder_.at(index);
  for (const ProcessSource& process : processes)
    if (process.host == holder.pid) return process.pidfd.take_copy(holder.fd);
  if (ourselves_ && holder.pid == ourselves_->host) return ourselves_->pidfd.take_copy(holder.fd);
  return Error(ErrorClass::gone, "process " + std::to_string(holder.pid.value) + " has ended");
}

int FileTable::find_target(const Holder& set, const image::EpollTargetT& target,
                           unsigned occurrence, const std::vector<ProcessSource>& processes) const {
  auto matches = [&](HostPid pid, int fd) {
    return is_watched({set.pid, set.fd, target.fd, occurrence}, pid, fd);
  };
  // Nearly always the same number in the same process; else it was closed or moved there.
  auto usual = by_descriptor_.find({set.pid.value, target.fd});
  if (usual != by_descriptor_.end() && matches(set.pid, target.fd)) return usual->second;
  for (const ProcessSource& process : processes)
    for (const DescriptorSource& d : process.descriptors)
      if (matches(process.host, d.fd)) return by_descriptor_.at({process.host.value, d.fd});
  for (const UniqueFd& fd : context_.in_flight)
    if (matches(ourselves_->host, fd.get()))
      return by_descriptor_.at({ourselves_->host.value, fd.get()});
  return -1;
}

Result<> FileTable::find_lost_pipe_ends(const std::vector<ProcessSource>& processes) {
  return pipes::find_lost_ends(
      context_.image, [&](int index) { return copy_of(index, processes); }, context_.obstacles);
}

}  // namespace appshot
