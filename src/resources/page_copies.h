// The copying of pages into an image: noted while a capture looks around, done by all processors at
// once. Notes where each page came to lie; pages of zeros are left out where a fresh mapping would
// read zeros anyway.
//
// Threads: used from one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/pages_writer.h"
#include "image/schema/values.h"
#include "resources/known_pages.h"
#include "resources/page_source.h"

namespace appshot {

enum class ZeroPages { dropped, kept, noted };  // noted: as zeros_at()

class PageCopies {
 public:
  explicit PageCopies(image::PagesFile& file) : file_(file) {}

  // `runs` must stay where it is until complete().
  void add(const std::shared_ptr<const PageSource>& source, uint64_t start, uint64_t end,
           std::vector<image::PageRun>& runs, ZeroPages zeros);
  // The data of a file, holes left out; run addresses are offsets.
  Result<> add_file(UniqueFd file, const std::string& name, uint64_t size,
                    std::vector<image::PageRun>& runs);

  // What is kept already takes its place among them.
  void add_known(const image::PageRun& run, std::vector<image::PageRun>& runs);

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
  };
  static Result<> copy(Piece& piece, image::PagesWriter& writer);

  image::PagesFile& file_;
  std::vector<Piece> pieces_;
  uint64_t bytes_ = 0;  // of the pieces
  size_t files_ = 0;    // among them, each holding a descriptor
  std::vector<image::PagesWriter> writers_;
};

}  // namespace appshot
