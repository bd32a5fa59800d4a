#include "isolation/fresh_identity.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "base/check.h"
#include "os/file.h"
#include "os/in_root.h"

namespace appshot {
namespace {

constexpr const char* kMachineIds[] = {"/etc/machine-id", "/var/lib/dbus/machine-id"};
constexpr const char* kRandomBytes[] = {"/etc/hostid", "/var/lib/systemd/random-seed",
                                        "/var/lib/urandom/random-seed", "/var/lib/random-seed",
                                        "/var/lib/misc/random-seed"};
constexpr char kKeyFolder[] = "/etc/ssh";
constexpr std::string_view kKeyBegins = "ssh_host_", kKeyEnds = "_key";
constexpr char kPublic[] = ".pub";
constexpr size_t kMachineIdDigits = 32;
constexpr size_t kBytesMax = 64 * 1024;  // longer than any such file

std::string random_bytes(size_t count) {
  std::string bytes(count, '\0');
  size_t at = 0;
  while (at < count) {
    const ssize_t got = ::getrandom(bytes.data() + at, count - at, 0);
    CHECK(got > 0);
    at += static_cast<size_t>(got);
  }
  return bytes;
}

// As systemd makes one: a random UUID without its dashes.
std::string new_machine_id() {
  std::string bytes = random_bytes(kMachineIdDigits / 2);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  std::string text;
  for (const char byte : bytes)
    for (const int digit : {(byte >> 4) & 0xf, byte & 0xf})
      text.push_back("0123456789abcdef"[digit]);
  return text;
}

std::string path_of(const UniqueFd& file) { return "/proc/self/fd/" + std::to_string(file.get()); }

// None: it is not there, or nothing that could be one.
Result<UniqueFd> find_file(int root, const std::string& path) {
  Result<UniqueFd> file = open_in_root(root, path, O_PATH);
  if (!file) {
    const int err = file.error().err();
    if (err == ENOENT || err == ENOTDIR || err == ELOOP) return UniqueFd();
    return file;
  }
  struct stat info {};
  TRY_SYS(::fstat(file->get(), &info));
  return S_ISREG(info.st_mode) ? std::move(file) : UniqueFd();
}

// In place: it keeps its owner and mode. What nobody can write to is the same for all who see it.
Result<> overwrite(const UniqueFd& file, const std::string& content) {
  const Result<UniqueFd> opened = open_file(path_of(file), O_WRONLY | O_CLOEXEC);
  if (!opened && opened.error().err() == EROFS) return {};
  if (!opened) return Error(opened.error());
  return write_all(opened->get(), {content.data(), content.size()});
}

// One that is empty, or says "uninitialized", is made when its system starts.
Result<> change_machine_ids(int root) {
  std::string id;
  for (const char* path : kMachineIds) {
    const UniqueFd file = TRY(find_file(root, path).within(path));
    if (!file) continue;
    const std::string old = TRY(read_file(path_of(file)).within(path));
    const bool is_one = old.find_first_not_of("0123456789abcdefABCDEF") >= kMachineIdDigits &&
                        old.size() >= kMachineIdDigits;
    if (!is_one) continue;
    if (old.substr(0, kMachineIdDigits) == id) continue;  // a link to the one before
    if (id.empty()) id = new_machine_id();
    TRY(overwrite(file, id).within(path));
  }
  return {};
}

Result<> change_random_bytes(int root) {
  for (const char* path : kRandomBytes) {
    const UniqueFd file = TRY(find_file(root, path).within(path));
    if (!file) continue;
    struct stat info {};
    TRY_SYS(::fstat(file.get(), &info));
    const auto size = std::min(static_cast<size_t>(info.st_size), kBytesMax);
    if (size != 0) TRY(overwrite(file, random_bytes(size)).within(path));
  }
  return {};
}

bool is_key_name(const std::string& name) {
  return name.starts_with(kKeyBegins) && name.ends_with(kKeyEnds);
}

// It is seen through layers that say of it what the host's says.
bool is_of_host(const std::string& path, const struct stat& seen) {
  struct stat own {};
  return ::lstat(path.c_str(), &own) == 0 && own.st_size == seen.st_size &&
         own.st_mtim.tv_sec == seen.st_mtim.tv_sec && own.st_mtim.tv_nsec == seen.st_mtim.tv_nsec;
}

Result<> take_away(int folder, const std::string& name) {
  if (::unlinkat(folder, name.c_str(), 0) != 0 && errno != ENOENT)
    return Error::from_errno(errno, "unlink " + name);
  return {};
}

// Of what stands there as `name`; none: it is no key, or the host's.
Result<std::optional<HostKey>> take_key(int folder, const std::string& name, bool shows_host) {
  struct stat info {};
  TRY_SYS(::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW));
  const std::string path = std::string(kKeyFolder) + "/" + name;
  if (!S_ISREG(info.st_mode) || (shows_host && is_of_host(path, info)))
    return std::optional<HostKey>();
  const Result<UniqueFd> file =
      open_at(folder, name + kPublic, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  const std::string said = file ? read_file(path_of(*file)).value_or("") : "";
  TRY(take_away(folder, name));
  TRY(take_away(folder, name + kPublic));
  return std::optional(parse_host_key(path, said));
}

Result<std::vector<HostKey>> take_host_keys(int root, bool shows_host) {
  std::vector<HostKey> taken;
  const Result<UniqueFd> folder = open_in_root(root, kKeyFolder, O_RDONLY | O_DIRECTORY);
  if (!folder) return taken;
  for (const std::string& name : TRY(list_folder(path_of(*folder)))) {
    if (!is_key_name(name)) continue;
    std::optional<HostKey> key = TRY(take_key(folder->get(), name, shows_host).within(name));
    if (key) taken.push_back(*std::move(key));
  }
  return taken;
}

// The key is e and n, of which n begins with a zero.
int rsa_bits(std::string_view base64) {
  constexpr int kRest = 4 + 7 + 4 + 3 + 4 + 1;
  const auto padding = static_cast<int>(std::ranges::count(base64, '='));
  const int bytes = static_cast<int>(base64.size() / 4 * 3) - padding - kRest;
  return bytes * 8;
}

}  // namespace

HostKey parse_host_key(const std::string& path, std::string_view public_part) {
  HostKey key;
  key.path = path;
  std::istringstream words{std::string(public_part)};
  std::string algorithm, body;
  words >> algorithm >> body >> std::ws;
  std::getline(words, key.comment);
  constexpr std::string_view kCurve = "ecdsa-sha2-nistp";
  if (algorithm == "ssh-rsa") {
    key.type = "rsa";
    key.bits = rsa_bits(body);
  } else if (algorithm == "ssh-ed25519") {
    key.type = "ed25519";
  } else if (algorithm.starts_with(kCurve)) {
    key.type = "ecdsa";
    key.bits = std::atoi(algorithm.c_str() + kCurve.size());
  }
  return key;
}

Result<std::vector<HostKey>> give_fresh_identity(int root, bool shows_host) {
  TRY(change_machine_ids(root));
  TRY(change_random_bytes(root));
  return take_host_keys(root, shows_host);
}

}  // namespace appshot
