#include "node/image_records.h"

namespace appshot {
namespace {

// "RegularFile" becomes "regular file".
std::string plain_words(const char* camel) {
  std::string words;
  for (const char* c = camel; *c != '\0'; ++c) {
    bool upper = *c >= 'A' && *c <= 'Z';
    if (upper && !words.empty()) words.push_back(' ');
    words.push_back(upper ? static_cast<char>(*c - 'A' + 'a') : *c);
  }
  return words;
}

std::string path_of(const std::unique_ptr<image::FileNameT>& name) {
  return name ? name->path : "";
}

std::string name_of_file(const image::OpenFileT& file) {
  if (const auto* regular = file.kind.AsRegularFile()) return path_of(regular->name);
  if (const auto* device = file.kind.AsDeviceFile()) return path_of(device->name);
  if (const auto* fifo = file.kind.AsNamedPipe()) return path_of(fifo->name);
  if (const auto* pipe = file.kind.AsPipe()) return "pipe " + std::to_string(pipe->pipe);
  if (const auto* queue = file.kind.AsMessageQueueFile()) return queue->name;
  if (const auto* stream = file.kind.AsStream()) return stream->name;
  if (const auto* terminal = file.kind.AsTerminal()) return terminal->name;
  return "";
}

void add_memory(Json& records, const image::ProcessT& process) {
  if (!process.address_space) return;
  uint64_t mapped = 0;
  uint64_t stored = 0;
  for (const auto& mapping : process.address_space->mappings) {
    mapped += mapping->end - mapping->start;
    for (const image::PageRun& run : mapping->pages) stored += run.length();
  }
  records.push_back({{"type", "memory"},
                     {"name", path_of(process.address_space->exe)},
                     {"process", process.pid},
                     {"size", stored},
                     {"detail", std::to_string(process.address_space->mappings.size()) +
                                    " mappings, " + std::to_string(mapped >> 10) + " KiB mapped, " +
                                    std::to_string(stored >> 10) + " KiB stored"}});
}

void add_process(Json& records, const image::ImageT& image, const image::ProcessT& process) {
  records.push_back({{"type", "process"},
                     {"name", process.name},
                     {"process", process.pid},
                     {"detail", "parent " + std::to_string(process.parent) + ", group " +
                                    std::to_string(process.group) + ", session " +
                                    std::to_string(process.session) + ", " +
                                    std::to_string(process.threads.size()) + " threads, " +
                                    EnumNameProcessState(process.state)}});
  add_memory(records, process);
  for (const auto& descriptor : process.descriptors) {
    // Verified with the manifest: the index is inside.
    const image::OpenFileT& file = *image.open_files[static_cast<size_t>(descriptor->file)];
    records.push_back({{"type", plain_words(EnumNameFileKind(file.kind.type))},
                       {"name", name_of_file(file)},
                       {"process", process.pid},
                       {"descriptor", descriptor->fd},
                       {"detail", "offset " + std::to_string(file.offset)}});
  }
  for (const auto& timer : process.posix_timers)
    records.push_back(
        {{"type", "posix timer"}, {"name", std::to_string(timer->id)}, {"process", process.pid}});
}

}  // namespace

Json image_records(const image::ImageT& image) {
  Json records = Json::array();
  for (const auto& process : image.processes) add_process(records, image, *process);
  for (const auto& segment : image.sysv_shm)
    records.push_back({{"type", "sysv shm"}, {"name", std::to_string(segment->permissions->id)}});
  for (const auto& set : image.sysv_sem)
    records.push_back({{"type", "sysv sem"},
                       {"name", std::to_string(set->permissions->id)},
                       {"detail", std::to_string(set->values.size()) + " semaphores"}});
  for (const auto& queue : image.sysv_queues)
    records.push_back({{"type", "sysv queue"},
                       {"name", std::to_string(queue->permissions->id)},
                       {"detail", std::to_string(queue->messages.size()) + " messages"}});
  for (const auto& queue : image.message_queues)
    records.push_back({{"type", "message queue"},
                       {"name", queue->name},
                       {"detail", std::to_string(queue->messages.size()) + " messages"}});
  for (const auto& file : image.private_files)
    records.push_back({{"type", "private file"}, {"name", file->path}});
  return records;
}

}  // namespace appshot
