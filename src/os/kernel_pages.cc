#include "os/kernel_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "os/file.h"
#include "os/kernel_files.h"

namespace appshot {
namespace {

constexpr uint64_t kPageSize = 4096;
constexpr uint64_t kStep = 1ULL << 30;  // both places begin at a multiple of it
constexpr size_t kContent = 64;         // more than can be found twice by chance

// A page with content of its own that stays where it is.
class OwnPage {
 public:
  static Result<OwnPage> make() {
    void* memory =
        ::mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return Error::from_errno(errno, "mmap");
    OwnPage page(static_cast<uint8_t*>(memory));
    TRY_SYS(::getrandom(memory, kContent, 0));
    int ends[2];
    TRY_SYS(::pipe2(ends, O_CLOEXEC));
    page.out_ = UniqueFd(ends[0]);
    page.in_ = UniqueFd(ends[1]);
    iovec whole{memory, kPageSize};
    TRY_SYS(::vmsplice(page.in_.get(), &whole, 1, 0));
    return page;
  }
  OwnPage(OwnPage&& other) noexcept
      : content_(std::exchange(other.content_, nullptr)),
        in_(std::move(other.in_)),
        out_(std::move(other.out_)) {}
  OwnPage& operator=(OwnPage&&) = delete;
  ~OwnPage() {
    if (content_ != nullptr) ::munmap(content_, kPageSize);
  }

  const uint8_t* content() const { return content_; }
  int pipe() const { return out_.get(); }  // holds it as its first buffer

  Result<uint64_t> physical() const {
    UniqueFd map = TRY(open_file("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    uint64_t entry = 0;
    const auto at = static_cast<off_t>(reinterpret_cast<uint64_t>(content_) / kPageSize * 8);
    TRY_SYS(::pread(map.get(), &entry, sizeof entry, at));
    const uint64_t number = entry & ((1ULL << 55) - 1);
    if (entry >> 63 == 0 || number == 0)
      return Error(ErrorClass::unsupported, "the kernel does not tell where our own memory lies");
    return number * kPageSize;
  }

 private:
  explicit OwnPage(uint8_t* content) : content_(content) {}
  uint8_t* content_;
  UniqueFd in_, out_;
};

// One behind the last byte of memory.
Result<uint64_t> end_of_memory() {
  const std::string map = TRY(read_file("/proc/iomem"));
  uint64_t end = 0;
  for (size_t at = 0; at < map.size();) {
    const size_t next = std::min(map.find('\n', at), map.size());
    const std::string line = map.substr(at, next - at);  // "00100000-7fffffff : System RAM"
    if (line.ends_with(": System RAM"))
      end = std::max<uint64_t>(end,
                               std::strtoull(line.c_str() + line.find('-') + 1, nullptr, 16) + 1);
    at = next + 1;
  }
  if (end <= 1)
    return Error(ErrorClass::unsupported, "the kernel does not tell how its memory lies");
  return end;
}

}  // namespace

Result<uint64_t> KernelPages::address_of(uint64_t page) {
  if (memory_ == 0) TRY(find_places());
  const uint64_t size = kernel_.layout.page_size;
  if (page < descriptions_ || (page - descriptions_) % size != 0)
    return unexpected_memory("a page's description");
  return memory_ + (page - descriptions_) / size * kPageSize;
}

Result<> KernelPages::find_places() {
  const OwnPage own = TRY(OwnPage::make());
  const uint64_t physical = TRY(own.physical());
  const KernelLayout& at = kernel_.layout;
  const uint64_t file = TRY(file_address(kernel_, own.pipe()));
  const auto pipe = TRY(kernel_.memory.read<uint64_t>(file + at.file_private));
  const auto buffers = TRY(kernel_.memory.read<uint64_t>(pipe + at.pipe_buffers));
  const auto page = TRY(kernel_.memory.read<uint64_t>(buffers + at.buffer_page));
  descriptions_ = page - physical / kPageSize * at.page_size;
  if (descriptions_ % kStep != 0) return unexpected_memory("the descriptions of pages");
  memory_ = TRY(find_memory(pipe, physical, own.content()));
  return {};
}

// `within` is any address in it. Upwards, so that nothing is looked at that is not memory.
Result<uint64_t> KernelPages::find_memory(uint64_t within, uint64_t physical,
                                          const uint8_t* content) {
  const uint64_t size = (TRY(end_of_memory()) + kStep - 1) / kStep * kStep;
  for (uint64_t start = within / kStep * kStep - size; start <= within; start += kStep) {
    auto there = kernel_.memory.read<std::array<uint8_t, kContent>>(start + physical);
    if (there && std::memcmp(there->data(), content, kContent) == 0) return start;
  }
  return Error(ErrorClass::unsupported, "the kernel's map of all memory was not found");
}

}  // namespace appshot
