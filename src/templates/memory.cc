#include "templates/memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <tuple>

#include "os/proc/maps.h"
#include "templates/files.h"

namespace appshot::templates {
namespace {

using image::MappingKind;
using image::MappingT;
using rules::Access;
using rules::ResourceType;

constexpr std::string_view kZeros = "/dev/zero";

uint8_t accesses_of(const MappingT& mapping) {
  uint8_t accesses = 0;
  if ((mapping.prot & (PROT_READ | PROT_EXEC)) != 0) accesses = accesses | Access::read;
  if ((mapping.prot & PROT_WRITE) != 0) accesses = accesses | Access::write;
  return accesses;
}

uint64_t stored_bytes(const MappingT& mapping) {
  uint64_t total = 0;
  for (const image::PageRun& run : mapping.pages) total += run.length();
  return total;
}

std::string name_of_object(const image::SharedMemoryT& object, int index) {
  switch (object.kind) {
    case image::SharedMemoryKind::memfd:
      return "memfd " + object.name;
    case image::SharedMemoryKind::sysv:
      return "sysv shm " + std::to_string(object.sysv_id);
    default:
      return "shared memory " + std::to_string(index);
  }
}

bool is_kept(const image::ImageT& image, int object) {
  return std::ranges::any_of(image.sysv_shm,
                             [&](const auto& segment) { return segment->object == object; });
}

// A System V segment that is none of the image's: with --share ipc the host keeps it.
bool is_of_host(const Context& context, int index) {
  const auto& object = *context.image.shared_memory[static_cast<size_t>(index)];
  return object.kind == image::SharedMemoryKind::sysv && context.launch.share.ipc &&
         !is_kept(context.image, index);
}

class Memory {
 public:
  Memory(Context& context, const image::ProcessT& process) : context_(context), process_(process) {}

  void add() {
    for (const auto& mapping : process_.address_space->mappings) {
      Subject subject{.record = {.type = "memory", .process = process_.pid},
                      .type = ResourceType::memory,
                      .accesses = accesses_of(*mapping)};
      subject.record.size = stored_bytes(*mapping);
      classify(*mapping, subject);
      join(std::move(subject), *mapping);
    }
    for (Group& group : groups_) {
      group.subject.record.detail = count_of(group.mappings, "mapping") + ", " +
                                    std::to_string(group.mapped >> 10) + " KiB mapped";
      context_.verdicts.add(std::move(group.subject));
    }
  }

 private:
  struct Group {
    Subject subject;
    size_t mappings = 0;
    uint64_t mapped = 0;
  };

  static void be(Subject& subject, Class cls, std::string_view by, const Handling& handling) {
    subject.record.cls = cls;
    subject.record.by = by;
    subject.handling = &handling;
  }

  void classify(const MappingT& mapping, Subject& subject) {
    switch (mapping.kind) {
      case MappingKind::anonymous:
        subject.record.name = name_of_own(mapping);
        return own(mapping, subject);
      case MappingKind::file:
        return file(mapping, subject);
      case MappingKind::shared_memory:
        return shared(mapping, subject);
      case MappingKind::vdso:
      case MappingKind::vvar:
      case MappingKind::vsyscall:
        subject.record.name = "vdso";
        subject.record.size = 0;
        return be(subject, Class::share, kOfKernel, kUnmodified);
      case MappingKind::aio_ring:
        subject.record.name = "input and output (io_setup)";
        return be(subject, Class::duplicate, kOwnObject, kMappedOwn);
    }
  }

  std::string name_of_own(const MappingT& mapping) const {
    if (!process_.address_space->marks) return "anonymous";
    const image::AddressMarks& marks = *process_.address_space->marks;
    if (mapping.start < marks.brk() && mapping.end > marks.start_brk()) return "heap";
    if (mapping.start <= marks.start_stack() && mapping.end > marks.start_stack()) return "stack";
    return "anonymous";
  }

  // To be locked it has to be there, and to be there for writing it has to be one's own.
  static void own(const MappingT& mapping, Subject& subject) {
    if ((mapping.vm_flags & proc::kLocked) != 0 && (mapping.vm_flags & proc::kLockOnFault) == 0)
      return be(subject, Class::duplicate, "locked, so copied at once", kLockedMemory);
    be(subject, Class::cow, kCanBeModified, kPrivateMemory);
  }

  void file(const MappingT& mapping, Subject& subject) {
    const image::FileNameT& name =
        *context_.image.mapped_files[static_cast<size_t>(mapping.object)];
    if (S_ISCHR(name.mode) && name.path.starts_with(kZeros)) {
      subject.record.name = name.path;
      return own(mapping, subject);
    }
    if (S_ISCHR(name.mode) || S_ISBLK(name.mode)) return device(name, subject);
    const bool modified = (mapping.prot & PROT_WRITE) != 0 || subject.record.size != 0;
    if (!mapping.shared && modified) {
      subject.record.name = name.path;
      subject.paths = {name.path};
      be_the_same(name, subject);
      return own(mapping, subject);
    }
    const auto type = subject.type;
    subject.told = !named_.insert(&name).second;
    subject = of_named_file(context_, std::move(subject), name);
    refuse_unless_same_elsewhere(context_, subject, name);
    subject.type = type;
    subject.record.size = mapping.end - mapping.start;
    const bool changeable = mapping.shared && mapping.writable_file;
    if (subject.record.cls == Class::cow && !changeable)
      be(subject, Class::share, kCannotBeModified, kUnmodified);
  }

  // Of a file that will not be the same where it is found the mapping cannot be made again.
  void be_the_same(const image::FileNameT& name, const Subject& subject) {
    if (!named_.insert(&name).second) return;
    refuse_unless_same_elsewhere(context_, subject, name);
  }

  void device(const image::FileNameT& name, Subject& subject) {
    subject.record.name = name.path;
    subject.type.reset();
    be(subject, Class::share, "a device: no template", kDevice);
    context_.verdicts.refuse(words_for(subject.record) +
                                 " is that of a device, which can be neither shared nor duplicated",
                             "unmap it before the snapshot");
  }

  void shared(const MappingT& mapping, Subject& subject) {
    const auto& object = *context_.image.shared_memory[static_cast<size_t>(mapping.object)];
    subject.record.name = name_of_object(object, mapping.object);
    const bool of_host = is_of_host(context_, mapping.object);
    be(subject, of_host ? Class::share : Class::duplicate, of_host ? kOfHost : kOwnObject,
       of_host ? kHostIpc : kMappedOwn);
  }

  void join(Subject subject, const MappingT& mapping) {
    const Record& record = subject.record;
    const auto [found, is_new] =
        known_.try_emplace({record.name, record.cls, record.by}, groups_.size());
    const uint64_t length = mapping.end - mapping.start;
    if (is_new) {
      groups_.push_back({std::move(subject), 1, length});
      return;
    }
    Group& group = groups_[found->second];
    group.subject.record.size += record.size;
    group.subject.accesses = static_cast<uint8_t>(group.subject.accesses | subject.accesses);
    ++group.mappings;
    group.mapped += length;
  }

  Context& context_;
  const image::ProcessT& process_;
  std::vector<Group> groups_;
  std::map<std::tuple<std::string, Class, std::string>, size_t> known_;  // which group
  std::set<const image::FileNameT*> named_;  // those whose being there has been looked at
};

}  // namespace

void add_memory(Context& context, const image::ProcessT& process) {
  if (process.address_space) Memory(context, process).add();
}

void add_shared_memory(Context& context) {
  const auto& objects = context.image.shared_memory;
  for (size_t i = 0; i < objects.size(); ++i) {
    const image::SharedMemoryT& object = *objects[i];
    // A System V segment has a record of its own, with its key.
    if (object.kind == image::SharedMemoryKind::sysv) continue;
    Subject subject{.record = {.type = "shared memory",
                               .name = name_of_object(object, static_cast<int>(i)),
                               .cls = Class::duplicate,
                               .by = std::string(kOwnObject),
                               .detail = std::to_string(object.size >> 10) + " KiB"},
                    .type = ResourceType::shm,
                    .handling = &kNamelessIpc,
                    .accesses = Access::create | Access::read | Access::write};
    for (const image::PageRun& run : object.pages) subject.record.size += run.length();
    context.verdicts.add(std::move(subject));
  }
}

}  // namespace appshot::templates
