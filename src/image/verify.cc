// What the flat encoding's own verifier cannot know: that indexes are inside their tables, that
// address ranges make sense, that process ids are unique and parents exist. After this the engine
// may follow any reference without looking again.
#include <set>

#include "image/format.h"
#include "image/manifest.h"

namespace appshot::image {
namespace {

constexpr uint64_t kUserAddressMax = 1ULL << 47;
constexpr int kPidMax = 1 << 22;

Error wrong(const std::string& what) {
  return Error(ErrorClass::corrupt, "the image's manifest is inconsistent: " + what);
}

bool inside(int index, size_t size) { return index >= 0 && static_cast<size_t>(index) < size; }

class Verifier {
 public:
  explicit Verifier(const ImageT& image) : image_(image) {}

  Result<> run() {
    TRY(machine());
    TRY(objects());
    for (const auto& file : image_.open_files) TRY(open_file(*file));
    std::set<int> pids;
    for (const auto& process : image_.processes) {
      TRY(this->process(*process, pids).within("process " + std::to_string(process->pid)));
    }
    if (image_.processes.empty()) return wrong("it holds no process");
    return {};
  }

 private:
  Result<> machine() {
    if (!image_.machine) return wrong("it does not say what machine it was made on");
    if (image_.machine->page_size != kPageSize) return wrong("page size");
    return {};
  }

  Result<> runs(const std::vector<PageRun>& runs, uint64_t from, uint64_t to, bool stored) {
    uint64_t at = from;
    for (const PageRun& run : runs) {
      if (run.address() < at || run.address() > to || run.length() > to - run.address())
        return wrong("pages outside of what they belong to");
      if (stored && (run.offset() > image_.pages_length ||
                     run.length() > image_.pages_length - run.offset()))
        return wrong("pages beyond the end of the pages file");
      at = run.address() + run.length();
    }
    return {};
  }

  Result<> name(const std::unique_ptr<FileNameT>& name, bool required = true) {
    if (!name) return required ? Result<>(wrong("a file without a name")) : Result<>{};
    if (name->ghost != -1 && !inside(name->ghost, image_.ghosts.size())) return wrong("a lost file's content");
    if (name->path.find('\0') != std::string::npos) return wrong("a path");
    return {};
  }

  Result<> objects() {
    for (const auto& ghost : image_.ghosts)
      TRY(runs(ghost->pages, 0, (ghost->size + kPageSize - 1) / kPageSize * kPageSize, true));
    for (const auto& memory : image_.shared_memory)
      TRY(runs(memory->pages, 0, (memory->size + kPageSize - 1) / kPageSize * kPageSize, true));
    for (const auto& file : image_.mapped_files) {
      if (!file) return wrong("a mapped file without a name");
      if (file->ghost != -1 && !inside(file->ghost, image_.ghosts.size())) return wrong("a lost file's content");
    }
    for (const auto& shm : image_.sysv_shm)
      if (!inside(shm->object, image_.shared_memory.size()) || !shm->permissions)
        return wrong("a shared memory segment");
    for (const auto& sem : image_.sysv_sem)
      if (!sem->permissions) return wrong("a semaphore set");
    for (const auto& queue : image_.sysv_queues)
      if (!queue->permissions) return wrong("a message queue");
    for (const auto& pipe : image_.pipes) {
      uint64_t total = 0;
      for (const PipeChunk& chunk : pipe->chunks) total += chunk.length();
      if (total != pipe->data.size()) return wrong("a pipe's content");
    }
    for (const auto& file : image_.private_files)
      if (file->ghost != -1 && !inside(file->ghost, image_.ghosts.size())) return wrong("a private file");
    return {};
  }

  Result<> open_file(const OpenFileT& file) {
    switch (file.kind.type) {
      case FileKind::RegularFile:
        return name(file.kind.AsRegularFile()->name);
      case FileKind::DeviceFile:
        return name(file.kind.AsDeviceFile()->name);
      case FileKind::NamedPipe:
        if (!inside(file.kind.AsNamedPipe()->pipe, image_.pipes.size())) return wrong("a pipe");
        return name(file.kind.AsNamedPipe()->name);
      case FileKind::Pipe:
        if (!inside(file.kind.AsPipe()->pipe, image_.pipes.size())) return wrong("a pipe");
        return {};
      case FileKind::Epoll:
        for (const auto& target : file.kind.AsEpoll()->targets)
          if (!inside(target->file, image_.open_files.size()) || target->fd < 0) return wrong("an epoll set");
        return {};
      case FileKind::Inotify:
        for (const auto& watch : file.kind.AsInotify()->watches) TRY(name(watch->name));
        return {};
      case FileKind::Memfd:
        if (!inside(file.kind.AsMemfd()->object, image_.shared_memory.size())) return wrong("a memfd");
        return {};
      case FileKind::NONE:
        return wrong("an open file of no kind");
      default:
        return {};
    }
  }

  Result<> process(const ProcessT& process, std::set<int>& pids) {
    if (process.pid < 2 || process.pid > kPidMax || !pids.insert(process.pid).second) return wrong("its id");
    if (process.parent != 1 && pids.count(process.parent) == 0) return wrong("its parent");
    if (process.parent == process.pid) return wrong("its parent");
    if (process.group < 0 || process.group > kPidMax || process.session < 0 || process.session > kPidMax)
      return wrong("its group or session");
    if (process.state == ProcessState::zombie) return {};
    if (process.threads.empty()) return wrong("it has no threads");
    for (const auto& thread : process.threads) {
      if (thread->tid < 2 || thread->tid > kPidMax) return wrong("a thread's id");
      if (thread->tid != process.pid && !pids.insert(thread->tid).second) return wrong("a thread's id");
      if (!thread->credentials || !thread->scheduling) return wrong("a thread's credentials");
      if (thread->registers.size() != 27 * 8) return wrong("a thread's registers");
      for (const auto& signal : thread->pending)
        if (signal->info.size() != 128) return wrong("a pending signal");
      for (const auto& filter : thread->filters)
        if (filter->instructions.size() % 8 != 0) return wrong("a seccomp filter");
    }
    for (const auto& signal : process.pending)
      if (signal->info.size() != 128) return wrong("a pending signal");
    if (process.actions.size() != 64) return wrong("its signal actions");
    if (process.interval_timers.size() != 3) return wrong("its interval timers");
    TRY(name(process.cwd));
    TRY(name(process.root));
    int last = -1;
    for (const auto& descriptor : process.descriptors) {
      if (descriptor->fd <= last || !inside(descriptor->file, image_.open_files.size()))
        return wrong("descriptor " + std::to_string(descriptor->fd));
      last = descriptor->fd;
    }
    if (!process.address_space) return wrong("it has no memory");
    return address_space(*process.address_space);
  }

  Result<> address_space(const AddressSpaceT& space) {
    TRY(name(space.exe));
    if (!space.marks) return wrong("its address marks");
    uint64_t at = 0;
    for (const auto& mapping : space.mappings) {
      if (mapping->kind == MappingKind::vsyscall) continue;
      if (mapping->start < at || mapping->end <= mapping->start || mapping->end > kUserAddressMax ||
          mapping->start % kPageSize != 0 || mapping->end % kPageSize != 0 || mapping->offset % kPageSize != 0)
        return wrong("its memory map");
      if (mapping->kind == MappingKind::file && !inside(mapping->object, image_.mapped_files.size()))
        return wrong("a mapped file");
      if (mapping->kind == MappingKind::shared_memory && !inside(mapping->object, image_.shared_memory.size()))
        return wrong("a shared mapping");
      TRY(runs(mapping->pages, mapping->start, mapping->end, true));
      TRY(runs(mapping->guards, mapping->start, mapping->end, false));
      at = mapping->end;
    }
    return {};
  }

  const ImageT& image_;
};

}  // namespace

Result<> verify_references(const ImageT& image) { return Verifier(image).run(); }

}  // namespace appshot::image
