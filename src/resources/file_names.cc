#include "resources/file_names.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "os/file.h"
#include "os/mount_namespace.h"

namespace appshot {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

Result<int> capture_ghost(CaptureContext& context, const std::string& link, const struct stat& info,
                          const std::function<Result<UniqueFd>()>& content) {
  CaptureContext::Identity identity{info.st_dev, info.st_ino};
  if (auto known = context.ghosts.find(identity); known != context.ghosts.end())
    return known->second;
  auto ghost = std::make_unique<image::GhostT>();
  ghost->size = static_cast<uint64_t>(info.st_size);
  ghost->mode = info.st_mode;
  ghost->uid = info.st_uid;
  ghost->gid = info.st_gid;
  ghost->mtime = std::make_unique<image::Time>(to_time(info.st_mtim));
  ghost->links = static_cast<uint32_t>(info.st_nlink);
  if (S_ISREG(info.st_mode)) {
    KnownContent* known =
        context.tracks == nullptr ? nullptr : context.tracks->captured(identity, ghost->size);
    TRY(context.pages.add_file(TRY(content()), link, ghost->size, ghost->pages, known));
  }
  int index = static_cast<int>(context.image.ghosts.size());
  context.image.ghosts.push_back(std::move(ghost));
  context.ghosts.emplace(identity, index);
  return index;
}

bool leads_to(const std::string& path, const struct stat& info) {
  struct stat named {};
  return ::lstat(path.c_str(), &named) == 0 && named.st_dev == info.st_dev &&
         named.st_ino == info.st_ino;
}

// A file whose name was removed may have another beside it: so sem_open makes a semaphore, under a
// passing name that it links to the real one. Empty: none is found.
std::string other_name(const std::string& root, const std::string& path, const struct stat& info) {
  if (info.st_nlink == 0 || S_ISDIR(info.st_mode)) return "";
  std::string folder = path.substr(0, path.find_last_of('/') + 1);
  for (const std::string& name : list_folder(root + folder).value_or({}))
    if (leads_to(root + folder + name, info)) return folder + name;
  return "";
}

// It has a name, which is covered by another mount, or whose mount is nowhere any more. What it
// leads to may be seen in another way. Else that is an obstacle.
void find_elsewhere(CaptureContext& context, const std::string& link, const struct stat& info,
                    image::FileNameT& name) {
  std::vector<int> spaces{-1};
  for (const auto& [space, root] : context.mount_spaces.from_here) spaces.push_back(space);
  for (int space : spaces) {
    if (!leads_to(context.root_of(space) + link, info)) continue;
    name.space = space;
    return;
  }
  context.obstacles.add(link + " is in use, and it is covered by another mount or was unmounted",
                        "close it, or let who uses it end");
}

}  // namespace

image::Time to_time(const timespec& time) { return image::Time(time.tv_sec, time.tv_nsec); }
timespec from_time(const image::Time& time) { return timespec{time.sec(), time.nsec()}; }

std::unique_ptr<image::FileNameT> name_as_told(const std::string& link, const struct stat& info) {
  auto name = std::make_unique<image::FileNameT>();
  name->path = link;
  name->device = info.st_dev;
  name->inode = info.st_ino;
  name->size = static_cast<uint64_t>(info.st_size);
  name->mtime = std::make_unique<image::Time>(to_time(info.st_mtim));
  name->mode = info.st_mode;
  return name;
}

Result<std::unique_ptr<image::FileNameT>> capture_name(
    CaptureContext& context, const std::string& link, const struct stat& info, uint64_t mount,
    const std::function<Result<UniqueFd>()>& content) {
  auto name = name_as_told(link, info);
  name->space = space_of(context, mount);
  if (!context.mount_spaces.empty() && link == "/" &&
      !context.mount_spaces.of_mounts.contains(mount))
    context.obstacles.add("a mount that is nowhere is held open (open_tree, fsmount, umount -l)",
                          "close it");
  const std::string& root = context.root_of(name->space);
  // A file may really be called "x (deleted)": the name is believed if it leads to the same file.
  if (leads_to(root + link, info)) return name;
  if (link.ends_with(kDeleted)) {
    name->path = link.substr(0, link.size() - kDeleted.size());
  } else if (!context.mount_spaces.empty()) {
    find_elsewhere(context, link, info, *name);
    return name;
  }
  if (std::string other = other_name(root, name->path, info); !other.empty()) {
    name->path = std::move(other);
    return name;
  }
  name->ghost = TRY(capture_ghost(context, link, info, content).within(link));
  return name;
}

Result<uint64_t> mount_if_needed(const CaptureContext& context, const std::string& path) {
  if (context.mount_spaces.empty()) return 0;
  return mount_of(path);
}

int space_of(const CaptureContext& context, uint64_t mount) {
  auto found = context.mount_spaces.of_mounts.find(mount);
  return found == context.mount_spaces.of_mounts.end() ? -1 : found->second;
}

std::vector<uint8_t> build_id_of(int fd) {
  // Nearly always, all that is looked at is in the first page.
  std::array<char, 4096> first;
  const ssize_t first_length = ::pread(fd, first.data(), first.size(), 0);
  auto read_at = [&](uint64_t at, void* into, size_t length) {
    if (first_length < 0) return false;
    if (at + length <= static_cast<size_t>(first_length)) {
      std::memcpy(into, first.data() + at, length);
      return true;
    }
    return ::pread(fd, into, length, static_cast<off_t>(at)) == static_cast<ssize_t>(length);
  };
  Elf64_Ehdr head;
  if (!read_at(0, &head, sizeof head) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
      head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_phentsize != sizeof(Elf64_Phdr) ||
      head.e_phnum > 64)
    return {};
  for (int i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr part;
    if (!read_at(head.e_phoff + static_cast<uint64_t>(i) * sizeof part, &part, sizeof part))
      return {};
    if (part.p_type != PT_NOTE || part.p_filesz > 4096) continue;
    std::vector<char> notes(part.p_filesz);
    if (!read_at(part.p_offset, notes.data(), notes.size())) return {};
    for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= notes.size();) {
      Elf64_Nhdr note;
      std::memcpy(&note, notes.data() + at, sizeof note);
      size_t name_at = at + sizeof note, body_at = name_at + (note.n_namesz + 3) / 4 * 4;
      size_t next = body_at + (note.n_descsz + 3) / 4 * 4;
      if (next > notes.size() || next <= at) break;
      bool gnu = note.n_namesz == 4 && std::memcmp(notes.data() + name_at, "GNU", 4) == 0;
      if (gnu && note.n_type == NT_GNU_BUILD_ID)
        return {notes.begin() + static_cast<long>(body_at),
                notes.begin() + static_cast<long>(body_at + note.n_descsz)};
      at = next;
    }
  }
  return {};
}

}  // namespace appshot
