#include "templates/files.h"

#include <sys/stat.h>

#include <string_view>

namespace appshot::templates {
namespace {

using rules::Access;
using rules::ResourceType;

constexpr std::string_view kSharedMemoryFolder = "/dev/shm/";
constexpr std::string_view kSemaphore = "/dev/shm/sem.";

struct Found {
  Class cls;
  std::string by;
  const Handling* handling;
};

Found found_in(const Where& where) {
  switch (where.place) {
    case Place::layer:
      return {Class::cow, "in the private layer", &kLayerFile};
    case Place::memory:
      return {Class::duplicate, "in a file system in memory", &kMemoryFile};
    case Place::host:
      return {Class::share, of_host(where.rule), &kHostFile};
    case Place::kernel:
      return {Class::virtualise, std::string(kNamed), &kKernelFile};
    case Place::elsewhere:
      return {Class::virtualise, "led elsewhere (" + where.rule + ")", &kElsewhere};
  }
  return {};
}

// O_TMPFILE: it never had a name.
bool was_made_nameless(const image::FileNameT& name) {
  return name.path.ends_with("/#" + std::to_string(name.inode));
}

bool is_whiteout(const image::PrivateFileT& file) { return S_ISCHR(file.mode) && file.rdev == 0; }

std::string kind_words(const image::PrivateFileT& file) {
  if (is_whiteout(file)) return "removed";
  if (S_ISDIR(file.mode)) return "folder";
  if (S_ISLNK(file.mode)) return "link to " + file.link;
  if (S_ISCHR(file.mode) || S_ISBLK(file.mode)) return "device node";
  if (S_ISFIFO(file.mode)) return "named pipe";
  if (S_ISSOCK(file.mode)) return "socket";
  return "";
}

// POSIX names in /dev/shm are unique on a system, beside what they lead to.
void add_posix_name(Context& context, const image::PrivateFileT& file, const std::string& path) {
  if (!path.starts_with(kSharedMemoryFolder) || !S_ISREG(file.mode)) return;
  const bool semaphore = path.starts_with(kSemaphore);
  const size_t start = semaphore ? kSemaphore.size() : kSharedMemoryFolder.size();
  if (path.find('/', start) != path.npos) return;
  context.verdicts.add(Record{.type = semaphore ? "posix sem name" : "posix shm name",
                              .name = "/" + path.substr(start),
                              .cls = Class::virtualise,
                              .by = std::string(kNamed)});
}

}  // namespace

ResourceType type_of_path(const std::string& path) {
  if (path.starts_with(kSemaphore)) return ResourceType::sem;
  return path.starts_with(kSharedMemoryFolder) ? ResourceType::shm : ResourceType::file;
}

void set_class(Subject& subject, const Where& where) {
  Found found = found_in(where);
  subject.record.cls = found.cls;
  subject.record.by = std::move(found.by);
  subject.handling = found.handling;
}

Subject of_named_file(Context& context, Subject subject, const image::FileNameT& name) {
  subject.record.name = name.path;
  subject.paths = {name.path};
  subject.type = type_of_path(name.path);
  if (name.ghost >= 0) {
    const image::GhostT& lost = *context.image.ghosts[static_cast<size_t>(name.ghost)];
    subject.record.size = lost.size;
    subject.record.cls = Class::duplicate;
    subject.record.by = "has no name any more";
    subject.handling = &kLostFile;
    subject.accesses = subject.accesses | Access::destroy;
    if (was_made_nameless(name)) subject.accesses = subject.accesses | Access::create;
    return subject;
  }
  if (!S_ISDIR(name.mode)) subject.record.size = name.size;
  const Where where = context.places.of(name.path, name.space);
  set_class(subject, where);
  return subject;
}

void refuse_unless_same_elsewhere(Context& context, const Subject& subject,
                                  const image::FileNameT& name) {
  if (name.ghost >= 0 || subject.told) return;
  const Where where = context.places.of(name.path, name.space);
  if (where.place != Place::elsewhere || where.is_copied) return;
  context.verdicts.refuse(
      words_for(subject.record) + ": the rule " + where.rule +
          " leads that path elsewhere for each clone (here to " + where.leads_to +
          "), where the same will not be",
      "add COPY to the rule, or let it lead to the same place in each clone (<APPL-ID> in place of "
      "<INSTANCE>): its files are each clone's own anyway");
}

void add_private_files(Context& context) {
  for (const auto& file : context.image.private_files) {
    const std::string path = context.places.name_of(*file);
    Subject subject{.record = {.type = "private file", .name = path, .detail = kind_words(*file)},
                    .type = type_of_path(path),
                    .accesses = is_whiteout(*file) ? static_cast<uint8_t>(Access::destroy)
                                                   : Access::create | Access::write,
                    .paths = {path}};
    if (file->ghost >= 0)
      subject.record.size = context.image.ghosts[static_cast<size_t>(file->ghost)]->size;
    set_class(subject, context.places.of(*file));
    context.verdicts.add(std::move(subject));
    add_posix_name(context, *file, path);
  }
}

}  // namespace appshot::templates
