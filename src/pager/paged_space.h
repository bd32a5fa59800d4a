// One address space of which something is still missing: brings it in and follows what the process
// does with its map meanwhile.
//
// Threads: any number put pieces, at the same time; one reads news, while nobody puts: the process
// goes on with a change of its map when that has been read, and by then nothing of what was before
// may be on its way. Death of the process is an outcome: nothing is missing any more.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "base/result.h"
#include "os/userfault.h"
#include "pager/missing_memory.h"

namespace appshot {

class PagedSpace {
 public:
  using Piece = MissingMemory::Piece;

  // `pid`: as the process has it; a child's missing memory is its parent's.
  PagedSpace(uint64_t pid, Userfault fault, MissingMemory missing)
      : pid_(pid),
        fault_(std::move(fault)),
        missing_(std::move(missing)),
        bytes_(missing_.bytes()) {}

  struct News {
    std::vector<uint64_t> pages;                        // that are waited for
    std::vector<std::shared_ptr<PagedSpace>> children;  // that the process has forked
  };
  Result<News> read_news();

  std::optional<Piece> around(uint64_t address);
  // The next one, going on behind the last that was given out.
  std::optional<Piece> next();
  // Lets next() go on here.
  void go_on_at(uint64_t address);
  std::vector<Piece> all();

  enum class Outcome { done, changing };  // changing: read the news, then try again
  // What of a piece is still missing is brought in.
  Result<Outcome> put(const Piece& piece, const char* bytes);
  // One page of it only, and who waits there goes on.
  Result<Outcome> put_page(const Piece& piece, const char* bytes, uint64_t page);
  // For a page of which nothing is in the image.
  Result<Outcome> put_zero(uint64_t page);

  uint64_t missing_bytes() const { return bytes_; }  // as of the last change
  // Whether its process is no more; then nothing is missing.
  bool is_gone();
  int fd() const { return fault_.fd(); }
  uint64_t pid() const { return pid_; }

 private:
  struct Range {
    uint64_t start, end;
  };

  void follow(const Userfault::Event& event);
  std::vector<Piece> still(const Piece& piece);
  Result<Userfault::Put> put_part(const Piece& part, const char* bytes);
  Result<Userfault::Put> put_pages(const Piece& part, const char* bytes);
  void now_there(const Piece& part);
  void forget_all();

  const uint64_t pid_;
  const Userfault fault_;
  std::shared_mutex map_;  // held by all who put, or by who reads news; taken before the other

  std::mutex mutex_;  // guards what follows
  MissingMemory missing_;
  uint64_t cursor_ = 0;
  // Moved while another change of the map was under way. The kernel lets two threads' changes be
  // told in either order: memory that was moved to a place just unmapped may be told of first.
  std::vector<Range> just_moved_;

  std::atomic<uint64_t> bytes_;
};

}  // namespace appshot
