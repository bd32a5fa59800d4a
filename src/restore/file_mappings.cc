#include "restore/file_mappings.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <unistd.h>

#include "os/proc/maps.h"
#include "resources/files/regular_file.h"

namespace appshot {
namespace {

using proc::VmFlag;

// What a window is given before it is moved.
constexpr uint64_t kNeedsWindow = VmFlag::kHugePage | VmFlag::kNoHugePage | VmFlag::kMergeable |
                                  VmFlag::kDontDump | VmFlag::kSequential | VmFlag::kRandom |
                                  VmFlag::kGrowsDown;

}  // namespace

bool is_mapped_in_place(const image::ImageT& image, const image::ProcessT& process,
                        const image::MappingT& m) {
  if (m.kind != image::MappingKind::file || m.shared || !m.pages.empty()) return false;
  if ((m.vm_flags & kNeedsWindow) != 0) return false;
  // Accounted for, but not writable any more: takes more than one call.
  if ((m.vm_flags & VmFlag::kAccount) != 0 && (m.prot & PROT_WRITE) == 0) return false;
  if ((process.personality & READ_IMPLIES_EXEC) != 0) return false;
  return image.mapped_files[static_cast<size_t>(m.object)]->path != "/dev/zero";
}

FileMappings::FileMappings(const image::ImageT& image, int first) : end_(first) {
  for (const auto& process : image.processes) {
    if (!process->address_space) continue;
    for (const auto& mapping : process->address_space->mappings)
      if (is_mapped_in_place(image, *process, *mapping) &&
          descriptors_.emplace(mapping->object, end_).second)
        ++end_;
  }
}

Result<std::vector<UniqueFd>> FileMappings::open_files(RestoreContext& context) const {
  std::vector<UniqueFd> opened;
  for (const auto& [object, descriptor] : descriptors_) {
    const image::FileNameT& name = *context.image.mapped_files[static_cast<size_t>(object)];
    UniqueFd file =
        TRY(files::open_named(context, name, O_RDONLY).within("mapped file " + name.path));
    opened.emplace_back(TRY_SYS(::dup2(file.get(), descriptor)));
  }
  return opened;
}

}  // namespace appshot
