#include "os/kernel_files.h"

#include <string>

namespace appshot {

Result<uint64_t> file_address(KernelView& kernel, int fd) {
  KernelMemory& memory = kernel.memory;
  const KernelLayout& at = kernel.layout;
  const uint64_t task = TRY(memory.current_task());
  const auto files = TRY(memory.read<uint64_t>(task + at.task_files));
  const auto table = TRY(memory.read<uint64_t>(files + at.files_table));
  const auto size = TRY(memory.read<uint32_t>(table + at.table_size));
  const auto all = TRY(memory.read<uint64_t>(table + at.table_files));
  const auto index = static_cast<uint32_t>(fd);
  const uint64_t file =
      index < size ? TRY(memory.read<uint64_t>(all + uint64_t{index} * sizeof(uint64_t))) : 0;
  if (file == 0)
    return Error(ErrorClass::other, "descriptor " + std::to_string(fd) + " is not open");
  return file;
}

Result<KernelFile> describe_file(KernelView& kernel, uint64_t address) {
  KernelMemory& memory = kernel.memory;
  const KernelLayout& at = kernel.layout;
  KernelFile file;
  file.inode = TRY(memory.read<uint64_t>(address + at.file_inode));
  file.flags = TRY(memory.read<uint32_t>(address + at.file_flags));
  file.position = TRY(memory.read<int64_t>(address + at.file_position));
  file.number = TRY(memory.read<uint64_t>(file.inode + at.inode_number));
  file.mode = TRY(memory.read<uint16_t>(file.inode + at.inode_mode));
  file.has_locks = TRY(memory.read<uint64_t>(file.inode + at.inode_locks)) != 0;
  return file;
}

}  // namespace appshot
