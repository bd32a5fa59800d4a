// The copying of pages into an image: noted while a capture looks around, done by all processors at
// once. Notes where each page came to lie; pages of zeros are left out where a fresh mapping would
// read zeros anyway, and those that an earlier image holds as they are lie there.
//
// Threads: used from one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/pages_writer.h"
#include "image/schema/values.h"
#include "resources/earlier_bytes.h"
#include "resources/known_content.h"
#include "resources/page_source.h"

namespace appshot {

enum class ZeroPages { dropped, kept, noted };  // noted: as zeros_at()

class PageCopies {
 public:
  explicit PageCopies(image::PagesFile& file, EarlierBytes earlier = {})
      : file_(file), earlier_(std::move(earlier)) {}

  // Whether somebody may change a file while it is copied.
  enum class Content { still, changing };

  // `runs` must stay where it is until complete(), and so must what follows. `likely`: where a page
  // lies if it is what it was; that is seen by comparing it.
  void add(const std::shared_ptr<const PageSource>& source, uint64_t start, uint64_t end,
           std::vector<image::PageRun>& runs, ZeroPages zeros, const KnownPages* likely = nullptr);
  // The data of a file, holes left out; run addresses are offsets. `known`: what is known of it,
  // brought up to date by complete(); may be none.
  Result<> add_file(UniqueFd file, const std::string& name, uint64_t size,
                    std::vector<image::PageRun>& runs, KnownContent* known = nullptr,
                    Content content = Content::still);

  // What is kept already takes its place among them.
  void add_known(const image::PageRun& run, std::vector<image::PageRun>& runs);

  // What is copied lies at offsets from here.
  uint64_t base() const { return file_.base(); }
  // How many bytes are noted and not yet done.
  uint64_t noted() const { return bytes_; }
  // Does what was noted until now.
  Result<> complete();
  // And writes what is left in the blocks.
  Result<> close();

 private:
  struct Piece {
    std::shared_ptr<const PageSource> source;
    uint64_t start;
    uint64_t end;
    ZeroPages zeros;
    std::vector<image::PageRun>* runs;
    std::vector<image::PageRun> found;
    const KnownPages* likely = nullptr;
    PageSums* sums = nullptr;
    std::shared_ptr<const ContentMapping> still = nullptr;  // looked at there
  };
  struct KnownRuns {
    KnownContent* known;
    const std::vector<image::PageRun>* runs;
  };
  class Comparison;
  static Result<std::span<const char>> look(const Piece& piece, uint64_t at, std::span<char> room);
  static Result<> copy(Piece& piece, image::PagesWriter& writer, Comparison& comparison);

  image::PagesFile& file_;
  const EarlierBytes earlier_;
  std::vector<KnownRuns> contents_;
  std::vector<Piece> pieces_;
  uint64_t bytes_ = 0;  // of the pieces
  size_t files_ = 0;    // among them, each holding a descriptor
  std::vector<image::PagesWriter> writers_;
};

}  // namespace appshot
