#include "os/kernel_message.h"

#include "os/kernel_buffer.h"

namespace appshot {
namespace {

constexpr uint32_t kFilesMax = 253;  // SCM_MAX_FD
constexpr uint32_t kDepthMax = 32;   // MAX_PID_NS_LEVEL

class Reader {
 public:
  Reader(KernelView& kernel, KernelPages& pages, uint64_t buffer)
      : kernel_(kernel),
        memory_(kernel.memory),
        at_(kernel.layout),
        pages_(pages),
        buffer_(buffer) {}

  Result<QueuedMessage> read() {
    QueuedMessage message;
    message.data = TRY(bytes());
    const auto pid = TRY(own<uint64_t>(at_.own_pid));
    if (pid != 0) {
      message.sender = TRY(read_pid(kernel_, pid));
      message.sender->uid = TRY(own<uint32_t>(at_.own_uid));
      message.sender->gid = TRY(own<uint32_t>(at_.own_gid));
    }
    if (const auto sent = TRY(own<uint64_t>(at_.own_files)); sent != 0)
      message.files = TRY(files(sent));
    return message;
  }

 private:
  // What UNIX sockets keep with each.
  template <typename T>
  Result<T> own(uint32_t offset) {
    return memory_.read<T>(buffer_ + at_.skb_own + offset);
  }

  Result<std::vector<uint8_t>> bytes() {
    std::vector<uint8_t> bytes = TRY(read_buffer(kernel_, pages_, buffer_));
    const auto taken = TRY(own<uint32_t>(at_.own_consumed));
    if (taken > bytes.size()) return unexpected_memory("a message's beginning");
    bytes.erase(bytes.begin(), bytes.begin() + taken);
    return bytes;
  }

  Result<std::vector<uint64_t>> files(uint64_t sent) {
    const auto count = TRY(memory_.read<uint16_t>(sent + at_.sent_count));
    if (count > kFilesMax) return unexpected_memory("files on their way");
    std::vector<uint64_t> files(count);
    TRY(memory_.read(sent + at_.sent_files,
                     {reinterpret_cast<uint8_t*>(files.data()), count * sizeof(uint64_t)}));
    return files;
  }

  KernelView& kernel_;
  KernelMemory& memory_;
  const KernelLayout& at_;
  KernelPages& pages_;
  uint64_t buffer_;
};

}  // namespace

Result<QueuedMessage> read_message(KernelView& kernel, KernelPages& pages, uint64_t buffer) {
  return Reader(kernel, pages, buffer).read();
}

Result<KernelIdentity> read_pid(KernelView& kernel, uint64_t pid) {
  KernelMemory& memory = kernel.memory;
  const KernelLayout& at = kernel.layout;
  KernelIdentity identity;
  if (pid == 0) return identity;
  const auto deepest = TRY(memory.read<uint32_t>(pid + at.pid_level));
  if (deepest > kDepthMax) return unexpected_memory("a process id");
  for (uint64_t depth = 0; depth <= deepest; ++depth)
    identity.ids.push_back(
        TRY(memory.read<int32_t>(pid + at.pid_numbers + depth * at.number_size + at.number_value)));
  return identity;
}

}  // namespace appshot
