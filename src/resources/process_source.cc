#include "resources/process_source.h"

#include <fcntl.h>
#include <unistd.h>

#include "os/file.h"
#include "resources/obstacles.h"

namespace appshot {
namespace {

Result<HostPid> living_thread(const proc::ProcessDir& dir) {
  for (HostPid tid : TRY(dir.threads())) {
    Result<proc::Stat> stat = dir.stat_of_thread(tid);
    if (stat && stat->state != 'Z' && stat->state != 'X') return tid;
  }
  return Error(ErrorClass::gone, "process " + std::to_string(dir.pid().value) + " has ended");
}

}  // namespace

Result<DescriptorSource> look_at_descriptor(const proc::ProcessDir& dir, int fd) {
  DescriptorSource source;
  source.fd = fd;
  std::string number = std::to_string(fd);
  source.link = TRY(dir.link("fd/" + number));
  if (::fstatat(dir.folder(), ("fd/" + number).c_str(), &source.info, 0) != 0)
    return Error::from_errno(errno, "stat of descriptor " + number);
  source.fdinfo = TRY(dir.record("fdinfo/" + number));
  source.fields.text = source.fdinfo;
  return source;
}

std::string ProcessSource::words() const { return process_words(id, stat.name); }

Result<ProcessSource> ProcessSource::look_at(HostPid pid, const MappingFlags* flags) {
  return look_through(TRY(living_thread(TRY(proc::ProcessDir::open(pid)))), flags);
}

Result<ProcessSource> ProcessSource::ourselves() {
  const HostPid self{::getpid()};
  proc::ProcessDir dir = TRY(proc::ProcessDir::open(self));
  Pidfd pidfd = TRY(Pidfd::open(self));
  proc::Stat stat = TRY(dir.stat());
  return ProcessSource{self, {}, std::move(dir), std::move(stat), {}, {}, {}, std::move(pidfd), {}};
}

Result<ProcessSource> ProcessSource::look_through(HostPid host, const MappingFlags* flags) {
  proc::ProcessDir dir = TRY(proc::ProcessDir::open(host));
  Pidfd pidfd = TRY(Pidfd::open(host));
  proc::Stat stat = TRY(dir.stat());
  proc::Fields status = TRY(dir.status());
  VirtualPid id{proc::id_inside(status, "NStgid")};
  std::optional<std::vector<proc::Mapping>> mappings;
  if (flags != nullptr) mappings = flags->mappings(dir);
  if (!mappings) mappings = TRY(dir.mappings());
  std::vector<DescriptorSource> descriptors;
  for (int fd : TRY(dir.descriptors())) {
    Result<DescriptorSource> one = look_at_descriptor(dir, fd);
    // A running process may close it between listing and looking.
    if (!one && one.error().err() == ENOENT) continue;
    descriptors.push_back(TRY(std::move(one)));
  }
  return ProcessSource{host,
                       id,
                       std::move(dir),
                       std::move(stat),
                       std::move(status),
                       std::move(*mappings),
                       std::move(descriptors),
                       std::move(pidfd),
                       {}};
}

const proc::Mapping* ProcessSource::mapping_named(std::string_view name) const {
  for (const proc::Mapping& mapping : mappings)
    if (mapping.name == name) return &mapping;
  return nullptr;
}

}  // namespace appshot
