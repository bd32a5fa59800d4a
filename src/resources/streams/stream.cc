#include "resources/streams/stream.h"

#include <fcntl.h>

#include "os/file.h"
#include "resources/pipe_access.h"

namespace appshot::streams {
namespace {

const StreamIdentity* find(const DescriptorRef& ref) {
  for (const StreamIdentity& stream : ref.instance.streams)
    if (stream.device == ref.descriptor.info.st_dev && stream.inode == ref.descriptor.info.st_ino)
      return &stream;
  return nullptr;
}

}  // namespace

bool Stream::recognises(const DescriptorRef& ref) const { return find(ref) != nullptr; }

Result<image::FileKindUnion> Stream::capture(CaptureContext&, const DescriptorRef& ref) const {
  image::StreamT stream;
  stream.name = find(ref)->name;
  note_access(ref.descriptor.info, stream);
  image::FileKindUnion kind;
  kind.Set(std::move(stream));
  return kind;
}

Result<UniqueFd> Stream::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  const std::string& name = file.kind.AsStream()->name;
  auto stream = context.streams.find(name);
  if (stream == context.streams.end())
    return Error(ErrorClass::other, "the harness gives no '" + name + "'");
  TRY(give_access(stream->second.get(), *file.kind.AsStream()));
  // Through /proc, for a description of its own; descriptions that shared one keep sharing it.
  int flags = static_cast<int>(file.flags & (O_ACCMODE | O_APPEND | O_NONBLOCK));
  return open_file("/proc/self/fd/" + std::to_string(stream->second.get()), flags);
}

}  // namespace appshot::streams
