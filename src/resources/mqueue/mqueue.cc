#include "resources/mqueue/mqueue.h"

#include <fcntl.h>
#include <sys/statfs.h>

#include "resources/mqueue/queues.h"

namespace appshot::mqueues {
namespace {

constexpr long kMqueueMagic = 0x19800202;
constexpr std::string_view kDeleted = " (deleted)";

std::string descriptor_path(const ProcessSource& process, const DescriptorSource& descriptor) {
  return "/proc/" + std::to_string(process.host.value) + "/fd/" + std::to_string(descriptor.fd);
}

// "/name", also when it was opened by its path in the file system.
std::string queue_name(const DescriptorSource& descriptor) {
  std::string name = descriptor.link.substr(descriptor.link.find_last_of('/'));
  if (descriptor.info.st_nlink == 0 && name.ends_with(kDeleted))
    name.resize(name.size() - kDeleted.size());
  return name;
}

}  // namespace

bool is_queue(const ProcessSource& process, const DescriptorSource& descriptor) {
  if (!S_ISREG(descriptor.info.st_mode) || !descriptor.link.starts_with("/")) return false;
  if ((descriptor.flags() & O_PATH) != 0) return false;
  struct statfs system {};
  return ::statfs(descriptor_path(process, descriptor).c_str(), &system) == 0 &&
         system.f_type == kMqueueMagic;
}

Result<int> queue_of(CaptureContext& context, const ProcessSource& process,
                     const DescriptorSource& descriptor) {
  return capture_queue(context, descriptor_path(process, descriptor), queue_name(descriptor),
                       descriptor.info);
}

bool MessageQueue::recognises(const DescriptorRef& ref) const {
  return is_queue(ref.process, ref.descriptor);
}

Result<image::FileKindUnion> MessageQueue::capture(CaptureContext& context,
                                                   const DescriptorRef& ref) const {
  image::MessageQueueFileT file;
  file.queue = TRY(queue_of(context, ref.process, ref.descriptor));
  file.name = queue_name(ref.descriptor);
  image::FileKindUnion kind;
  kind.Set(std::move(file));
  return kind;
}

Result<UniqueFd> MessageQueue::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  auto made = context.message_queue_files.find(&file);
  if (made == context.message_queue_files.end())
    return Error(ErrorClass::corrupt,
                 "message queue " + file.kind.AsMessageQueueFile()->name + " is not in the image");
  return std::move(made->second);
}

}  // namespace appshot::mqueues
