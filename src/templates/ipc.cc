#include "templates/ipc.h"

#include <cstdio>

namespace appshot::templates {
namespace {

using rules::Access;
using rules::ResourceType;

std::string key_text(int key) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", static_cast<unsigned>(key));
  return text;
}

// An object, and its id and key, which are its names.
struct Object {
  const char* type;
  const char* name_type;
  ResourceType rules;
  uint64_t size = 0;
  std::string detail{};
  bool destroyed = false;
};

void add_sysv(Context& context, const image::IpcPermissionsT& permissions, const Object& object) {
  const std::string key = "key " + key_text(permissions.key);
  Subject subject{.record = {.type = object.type,
                             .name = std::to_string(permissions.id),
                             .cls = Class::duplicate,
                             .by = std::string(kOwnObject),
                             .size = object.size,
                             .detail = key + ", " + object.detail},
                  .type = object.rules,
                  .handling = &kNamedIpc,
                  .accesses = Access::create | Access::read | Access::write,
                  .key = static_cast<uint32_t>(permissions.key)};
  if (object.destroyed) subject.accesses = subject.accesses | Access::destroy;
  context.verdicts.add(std::move(subject));
  context.verdicts.add(Record{.type = object.name_type,
                              .name = std::to_string(permissions.id),
                              .cls = Class::virtualise,
                              .by = std::string(kNamed),
                              .detail = key});
}

void add_segment(Context& context, const image::SysvShmT& segment) {
  const auto& objects = context.image.shared_memory;
  const image::SharedMemoryT& memory = *objects[static_cast<size_t>(segment.object)];
  uint64_t stored = 0;
  for (const image::PageRun& run : memory.pages) stored += run.length();
  add_sysv(context, *segment.permissions,
           {"sysv shm", "sysv shm id", ResourceType::shm, stored,
            std::to_string(memory.size >> 10) + " KiB", segment.destroyed});
}

void add_queue(Context& context, const image::MessageQueueT& queue) {
  const bool of_host = context.launch.share.ipc && queue.space < 0;
  Subject subject{.record = {.type = "message queue",
                             .name = queue.name,
                             .cls = of_host ? Class::share : Class::duplicate,
                             .by = std::string(of_host ? kOfHost : kOwnObject),
                             .detail = count_of(queue.messages.size(), "message")},
                  .type = ResourceType::msg,
                  .handling = of_host ? &kHostIpc : &kNamedIpc,
                  .accesses = Access::create | Access::read | Access::write,
                  .paths = {queue.name, "/dev/mqueue" + queue.name}};
  for (const auto& message : queue.messages) subject.record.size += message->data.size();
  if (queue.unlinked) subject.accesses = subject.accesses | Access::destroy;
  context.verdicts.add(std::move(subject));
  if (!queue.unlinked && !of_host)
    context.verdicts.add(Record{.type = "message queue name",
                                .name = queue.name,
                                .cls = Class::virtualise,
                                .by = std::string(kNamed)});
}

}  // namespace

void add_ipc(Context& context) {
  const image::ImageT& image = context.image;
  for (const auto& segment : image.sysv_shm) add_segment(context, *segment);
  for (const auto& set : image.sysv_sem)
    add_sysv(context, *set->permissions,
             {"sysv sem", "sysv sem id", ResourceType::sem, set->values.size() * sizeof(uint16_t),
              count_of(set->values.size(), "semaphore")});
  for (const auto& queue : image.sysv_queues) {
    uint64_t bytes = 0;
    for (const auto& message : queue->messages) bytes += message->data.size();
    add_sysv(context, *queue->permissions,
             {"sysv queue", "sysv queue id", ResourceType::msg, bytes,
              count_of(queue->messages.size(), "message")});
  }
  for (const auto& queue : image.message_queues) add_queue(context, *queue);
}

}  // namespace appshot::templates
