#include "os/kernel_types.h"

#include <fcntl.h>
#include <linux/btf.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "os/file.h"

namespace appshot {
namespace {

constexpr char kOfRunningKernel[] = "/sys/kernel/btf/vmlinux";
constexpr int kDepthMax = 16;      // of structures in structures, and of names for types
constexpr uint32_t kKindMax = 19;  // BTF_KIND_ENUM64, the last one that is known here
constexpr uint32_t kUnknownSize = ~0U;

Error wrong(const std::string& what) {
  return Error(ErrorClass::unsupported,
               "the kernel's description of its types does not tell what is needed: " + what);
}

// What follows the head of each type.
uint32_t tail_size(uint32_t kind, uint32_t count) {
  switch (kind) {
    case BTF_KIND_INT:
    case BTF_KIND_VAR:
    case BTF_KIND_DECL_TAG:
      return 4;
    case BTF_KIND_ARRAY:
      return sizeof(btf_array);
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
    case BTF_KIND_DATASEC:
    case BTF_KIND_ENUM64:
      return count * 12;
    case BTF_KIND_ENUM:
    case BTF_KIND_FUNC_PROTO:
      return count * 8;
    default:
      return kind > kKindMax ? kUnknownSize : 0;
  }
}

// Since 6.16 it can be mapped. A copy is made into memory that is there at once: to wait for each
// page of several megabytes would take longer than all the rest.
Result<MappedBytes> map_file(int file, size_t length) {
  void* mapped = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file, 0);
  if (mapped != MAP_FAILED) return MappedBytes(mapped, length);
  void* memory = ::mmap(nullptr, length, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) return Error::from_errno(errno, "mmap");
  MappedBytes copy(memory, length);
  for (std::span<uint8_t> left = copy.all(); !left.empty();) {
    const ssize_t got = TRY_SYS(::read(file, left.data(), left.size()));
    if (got == 0) return wrong("it is cut off");
    left = left.subspan(static_cast<size_t>(got));
  }
  return copy;
}

}  // namespace

MappedBytes::~MappedBytes() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

bool KernelTypes::Type::is_compound() const {
  return kind() == BTF_KIND_STRUCT || kind() == BTF_KIND_UNION;
}

template <typename T>
bool KernelTypes::load(size_t at, T& into) const {
  if (at > bytes_.size() || bytes_.size() - at < sizeof into) return false;
  std::memcpy(&into, bytes_.data() + at, sizeof into);
  return true;
}

std::string_view KernelTypes::string(uint32_t at) const {
  if (at >= strings_end_ - strings_) return {};
  const char* from = reinterpret_cast<const char*>(bytes_.data()) + strings_ + at;
  return {from, ::strnlen(from, strings_end_ - strings_ - at)};
}

Result<KernelTypes::Type> KernelTypes::type(uint32_t id) const {
  Type type{};
  if (id == 0 || id >= places_.size() || !load(places_[id], type))
    return wrong("there is no type " + std::to_string(id));
  return type;
}

Result<KernelTypes> KernelTypes::of_running_kernel(Names names) {
  Result<UniqueFd> file = open_file(kOfRunningKernel, O_RDONLY | O_CLOEXEC);
  if (!file)
    return Error(ErrorClass::unsupported,
                 "this kernel does not describe its types (" + std::string(kOfRunningKernel) + ")")
        .hint("use a kernel that was built with CONFIG_DEBUG_INFO_BTF");
  struct stat info {};
  TRY_SYS(::fstat(file->get(), &info));
  MappedBytes mapped = TRY(map_file(file->get(), static_cast<size_t>(info.st_size)));
  KernelTypes types = TRY(parse(mapped.all(), names));
  types.mapped_ = std::move(mapped);
  return types;
}

Result<KernelTypes> KernelTypes::parse(std::span<const uint8_t> bytes, Names names) {
  KernelTypes types(bytes);
  TRY(types.scan(names));
  return types;
}

Result<> KernelTypes::scan(Names names) {
  btf_header header{};
  if (!load(0, header) || header.magic != BTF_MAGIC || header.version != BTF_VERSION)
    return wrong("not in the format BTF");
  const size_t begin = size_t{header.hdr_len} + header.type_off;
  const size_t end = begin + header.type_len;
  strings_ = size_t{header.hdr_len} + header.str_off;
  strings_end_ = strings_ + header.str_len;
  if (end > bytes_.size() || strings_end_ > bytes_.size()) return wrong("it is cut off");
  places_.reserve((end - begin) / 24);
  places_.push_back(0);  // void
  for (size_t at = begin; at < end;) {
    Type type{};
    if (!load(at, type)) return wrong("it is cut off");
    const bool function = type.kind() == BTF_KIND_FUNC;
    if ((function || type.kind() == BTF_KIND_STRUCT) && type.name != 0) {
      const std::string_view name = string(type.name);
      if (std::ranges::find(names, name) != names.end())
        (function ? functions_ : structures_).emplace(name, static_cast<uint32_t>(places_.size()));
    }
    places_.push_back(static_cast<uint32_t>(at));
    const uint32_t tail = tail_size(type.kind(), type.count());
    if (tail == kUnknownSize) return wrong("it holds a kind of type that is not known");
    at += sizeof type + tail;
  }
  return {};
}

// typedef, const and the like, which are but names for another type.
Result<uint32_t> KernelTypes::strip_names(uint32_t id) const {
  for (int i = 0; i < kDepthMax; ++i) {
    const Type type = TRY(this->type(id));
    switch (type.kind()) {
      case BTF_KIND_TYPEDEF:
      case BTF_KIND_CONST:
      case BTF_KIND_VOLATILE:
      case BTF_KIND_RESTRICT:
      case BTF_KIND_TYPE_TAG:
        id = type.size_or_type;
        break;
      default:
        return id;
    }
  }
  return wrong("it has no end");
}

Result<KernelTypes::Found> KernelTypes::find_member(uint32_t structure, std::string_view name,
                                                    int depth) const {
  const Type type = TRY(this->type(structure));
  if (!type.is_compound() || depth > kDepthMax) return wrong("it is deeper than was thought");
  constexpr uint32_t kOffsetOfBitField = 0xffffff;
  const bool has_bit_fields = (type.info >> 31) != 0;
  for (uint32_t i = 0; i < type.count(); ++i) {
    Member member{};
    if (!load(places_[structure] + sizeof type + i * sizeof member, member))
      return wrong("it is cut off");
    const uint32_t offset = has_bit_fields ? member.offset & kOffsetOfBitField : member.offset;
    if (member.name != 0) {
      if (string(member.name) == name) return Found{offset, member.type};
      continue;
    }
    const uint32_t inner = TRY(strip_names(member.type));
    if (!TRY(this->type(inner)).is_compound()) continue;  // a gap between bit fields
    Result<Found> found = find_member(inner, name, depth + 1);
    if (found) return Found{offset + found->offset_bits, found->type};
  }
  return wrong("no member " + std::string(name));
}

Result<uint32_t> KernelTypes::bit_in(uint32_t structure, std::string_view path) const {
  uint32_t bits = 0;
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('.', at), path.size());
    const Found found = TRY(find_member(structure, path.substr(at, end - at), 0));
    bits += found.offset_bits;
    at = end + 1;
    if (at <= path.size()) structure = TRY(strip_names(found.type));
  }
  return bits;
}

Result<uint32_t> KernelTypes::id_of_function(std::string_view name) const {
  if (functions_.count(name) != 1) return wrong("no function " + std::string(name));
  return functions_.find(name)->second;
}

Result<uint32_t> KernelTypes::offset_of(std::string_view structure, std::string_view path) const {
  const uint32_t bits = TRY(bit_of(structure, path));
  if (bits % 8 != 0) return wrong("it does not begin with a byte");
  return bits / 8;
}

Result<uint32_t> KernelTypes::bit_of(std::string_view structure, std::string_view path) const {
  std::set<uint32_t> places;
  const auto [first, last] = structures_.equal_range(structure);
  for (auto one = first; one != last; ++one)
    if (Result<uint32_t> bit = bit_in(one->second, path)) places.insert(*bit);
  if (places.size() == 1) return *places.begin();
  return wrong("where " + std::string(path) + " is in the structure " + std::string(structure));
}

Result<uint32_t> KernelTypes::size_of(std::string_view structure) const {
  std::set<uint32_t> sizes;
  const auto [first, last] = structures_.equal_range(structure);
  for (auto one = first; one != last; ++one) sizes.insert(TRY(type(one->second)).size_or_type);
  if (sizes.size() == 1) return *sizes.begin();
  return wrong("how large the structure " + std::string(structure) + " is");
}

bool KernelTypes::has(std::string_view structure, std::string_view path) const {
  return static_cast<bool>(offset_of(structure, path));
}

}  // namespace appshot
