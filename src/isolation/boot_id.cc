#include "isolation/boot_id.h"

#include <fcntl.h>
#include <sys/random.h>

#include <array>

#include "base/check.h"
#include "os/file.h"
#include "os/in_root.h"
#include "os/mount_tree.h"

namespace appshot {
namespace {

constexpr char kBootId[] = "/proc/sys/kernel/random/boot_id";
constexpr char kPlainProcInside[] = "/run/appshot/proc";
constexpr size_t kVersionAt = 6, kVariantAt = 8;

}  // namespace

std::string new_boot_id() {
  std::array<uint8_t, 16> bytes{};
  CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  bytes[kVersionAt] = static_cast<uint8_t>((bytes[kVersionAt] & 0x0f) | 0x40);
  bytes[kVariantAt] = static_cast<uint8_t>((bytes[kVariantAt] & 0x3f) | 0x80);
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    text.push_back(kDigits[bytes[i] >> 4]);
    text.push_back(kDigits[bytes[i] & 0x0f]);
  }
  return text;
}

Result<> show_boot_id(const std::string& root, const std::string& info) {
  const UniqueFd below = TRY(open_file(root + "/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd proc = TRY(open_file(root + "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd plain = TRY(open_in_root(below.get(), kPlainProcInside, O_PATH));
  TRY(attach_mount(TRY(copy_mount(proc.get())).get(), plain.get()));
  const UniqueFd place = TRY(open_in_root(below.get(), kBootId, O_PATH));
  const UniqueFd own = TRY(open_file(info + kOwnBootId, O_PATH | O_CLOEXEC));
  const UniqueFd mount = TRY(copy_mount(own.get()));
  TRY(make_safe_and_read_only(mount.get()));
  return attach_mount(mount.get(), place.get()).within(kBootId);
}

}  // namespace appshot
