#include "resources/inotify/open_by_handle.h"

#include <fcntl.h>

#include <cstring>

#include "isolation/host_mounts.h"
#include "os/file.h"
#include "os/proc/mountinfo.h"

namespace appshot::inotifies {
namespace {

// struct ovl_fh: three bytes of padding come first.
constexpr int kOverlayHandle = 0xf8;
constexpr size_t kMagicAt = 4, kLengthAt = 5, kFlagsAt = 6, kTypeAt = 7, kFileAt = 24;
constexpr size_t kPadding = 3;
constexpr uint8_t kMagic = 0xfb, kInUpper = 0x04;

struct LayerHandle {
  bool in_upper;
  struct {
    file_handle head;
    unsigned char body[MAX_HANDLE_SZ];
  } of_file;
};

Result<LayerHandle> handle_in_layer(const WatchedFile& file) {
  const auto& bytes = file.handle;
  if (file.handle_type != kOverlayHandle || bytes.size() <= kFileAt || bytes[kMagicAt] != kMagic ||
      bytes[kLengthAt] + kPadding > bytes.size() || bytes[kLengthAt] + kPadding < kFileAt)
    return Error(ErrorClass::unsupported, "not a handle of an overlay");
  LayerHandle handle{};
  handle.in_upper = (bytes[kFlagsAt] & kInUpper) != 0;
  handle.of_file.head.handle_type = bytes[kTypeAt];
  handle.of_file.head.handle_bytes = static_cast<unsigned>(bytes[kLengthAt] + kPadding - kFileAt);
  std::memcpy(handle.of_file.head.f_handle, bytes.data() + kFileAt,
              handle.of_file.head.handle_bytes);
  return handle;
}

// Where it is, below a folder of the file system that has it.
std::string open_below(const std::string& folder, LayerHandle& handle) {
  Result<UniqueFd> there = open_file(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!there) return "";
  const UniqueFd file(::open_by_handle_at(there->get(), &handle.of_file.head, O_PATH | O_CLOEXEC));
  if (!file) return "";
  std::string path = read_link("/proc/self/fd/" + std::to_string(file.get())).value_or("");
  return path.starts_with('/') ? path : "";
}

// The name inside of what lies in one of the upper layers there; empty: none does.
std::string path_in_layers(const std::string& layers, LayerHandle& handle) {
  const std::string path = open_below(layers, handle);
  constexpr std::string_view kUpper = "/upper";
  if (!path.starts_with(layers + "/")) return "";
  const size_t upper = path.find(kUpper, layers.size());
  if (upper == path.npos) return "";
  const size_t name = layers.size() + 1;
  const std::string point = layer_mount_point(path.substr(name, upper - name));
  const std::string inside = path.substr(upper + kUpper.size());
  return point == "/" && !inside.empty() ? inside : point + inside;
}

}  // namespace

std::string path_by_handle(const InstanceView& instance, const WatchedFile& file) {
  Result<LayerHandle> handle = handle_in_layer(file);
  Result<std::vector<proc::Mount>> mounts = proc::parse_mountinfo(instance.mounts);
  if (!handle || !mounts || instance.layers.empty()) return "";
  if (handle->in_upper) return path_in_layers(instance.layers, *handle);
  if (!instance.frozen.empty())
    if (std::string path = path_in_layers(instance.frozen, *handle); !path.empty()) return path;
  // What lies beneath is the host's, under the same name.
  for (const proc::Mount& mount : *mounts)
    if (mount.type == "overlay")
      if (std::string path = open_below(mount.point, *handle); !path.empty()) return path;
  return "";
}

}  // namespace appshot::inotifies
