#include "templates/locks.h"

#include <fcntl.h>

#include "templates/open_files.h"

namespace appshot::templates {
namespace {

const image::FileNameT* name_of(const image::OpenFileT& file) {
  if (const auto* regular = file.kind.AsRegularFile()) return regular->name.get();
  if (const auto* fifo = file.kind.AsNamedPipe()) return fifo->name.get();
  if (const auto* device = file.kind.AsDeviceFile()) return device->name.get();
  return nullptr;
}

using Locks = std::vector<std::unique_ptr<image::LockT>>;

// What clones lock of their own files is each one's own. A file of the host is one for all: they
// can all read under a lock, but only one can have it for himself.
void add(Context& context, const Locks& locks, const image::OpenFileT& file, const Holder& holder) {
  const image::FileNameT* name = name_of(file);
  for (const auto& lock : locks) {
    const bool exclusive = lock->type == F_WRLCK;
    Record record{.type = "lock",
                  .name = name != nullptr ? name->path : "",
                  .process = holder.process,
                  .descriptor = holder.descriptor,
                  .cls = Class::duplicate,
                  .by = std::string(kOwnObject),
                  .detail = plain_words(EnumNameLockKind(lock->kind)) +
                            (exclusive ? ", for writing" : ", for reading")};
    const Where where =
        name != nullptr && name->ghost < 0 ? context.places.of(name->path, name->space) : Where{};
    if (where.place == Place::host) {
      record.cls = Class::share;
      record.by = of_host(where.rule);
    }
    if (where.place == Place::host && exclusive)
      context.verdicts.refuse(
          words_for(record) + " is for writing, and the file is the host's (" + where.rule +
              "): only one instance can have it",
          "unlock the file before the snapshot, or take its path out of what is shared");
    context.verdicts.add(std::move(record));
  }
}

}  // namespace

void add_locks(Context& context, const image::OpenFileT& file, const Holder& holder) {
  add(context, file.locks, file, holder);
}

void add_locks(Context& context, const image::DescriptorT& descriptor, const Holder& holder) {
  // Verified with the manifest: the index is inside.
  add(context, descriptor.locks, *context.image.open_files[static_cast<size_t>(descriptor.file)],
      holder);
}

}  // namespace appshot::templates
