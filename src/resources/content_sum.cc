#include "resources/content_sum.h"

#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "os/parallel.h"

namespace appshot {
namespace {

constexpr uint64_t kBlockOfStat = 512;

Error too_short() { return Error(ErrorClass::conflict, "it is shorter than it was"); }

class Summing {
 public:
  Summing(int fd, uint64_t size, const TellSummed& tell)
      : fd_(fd), size_(size), tell_(tell), sums_((size + kSummedPiece - 1) / kSummedPiece) {}

  Result<image::ContentSum> run() {
    TRY(look());
    const size_t threads = std::max(1U, std::thread::hardware_concurrency());
    in_parallel(std::min(threads, sums_.size()), [&](size_t) { sum_pieces(); });
    TRY(std::move(outcome_));
    TRY(look());  // what was cut off meanwhile looked like a hole
    const XXH128_hash_t sum = XXH3_128bits(sums_.data(), sums_.size() * sizeof sums_[0]);
    return image::ContentSum(sum.low64, sum.high64);
  }

 private:
  Result<> look() {
    struct stat info {};
    TRY_SYS(::fstat(fd_, &info));
    if (static_cast<uint64_t>(info.st_size) < size_) return too_short();
    has_holes_ = static_cast<uint64_t>(info.st_blocks) * kBlockOfStat < size_;
    return {};
  }

  void sum_pieces() {
    const auto bytes = std::make_unique_for_overwrite<char[]>(kSummedPiece);
    for (size_t i; (i = next_++) < sums_.size();) {
      const uint64_t start = i * kSummedPiece, length = std::min(kSummedPiece, size_ - start);
      Result<> summed = sum_piece(bytes.get(), start, length, sums_[i]);
      std::lock_guard lock(mutex_);
      if (!summed) {
        next_ = sums_.size();
        outcome_ = std::move(summed);
      } else if (tell_) {
        tell_(length);
      }
    }
  }

  Result<> sum_piece(char* bytes, uint64_t start, uint64_t length, XXH128_hash_t& sum) const {
    if (length == kSummedPiece && is_hole(start)) {
      static const XXH128_hash_t of_zeros =
          XXH3_128bits(std::make_unique<char[]>(kSummedPiece).get(), kSummedPiece);
      sum = of_zeros;
      return {};
    }
    for (uint64_t done = 0; done < length;) {
      const auto got = static_cast<uint64_t>(
          TRY_SYS(::pread(fd_, bytes + done, length - done, static_cast<off_t>(start + done))));
      if (got == 0) return too_short();
      done += got;
    }
    sum = XXH3_128bits(bytes, length);
    return {};
  }

  bool is_hole(uint64_t start) const {
    if (!has_holes_) return false;
    const off_t data = ::lseek(fd_, static_cast<off_t>(start), SEEK_DATA);
    return data < 0 ? errno == ENXIO : static_cast<uint64_t>(data) >= start + kSummedPiece;
  }

  const int fd_;
  const uint64_t size_;
  const TellSummed& tell_;
  bool has_holes_ = false;
  std::vector<XXH128_hash_t> sums_;  // of each piece
  std::atomic<size_t> next_{0};
  std::mutex mutex_;
  Result<> outcome_;
};

}  // namespace

Result<image::ContentSum> content_sum(int fd, uint64_t size, const TellSummed& tell) {
  return Summing(fd, size, tell).run();
}

}  // namespace appshot
