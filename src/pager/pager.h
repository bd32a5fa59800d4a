// Brings the rest of an instance's memory in while it runs already. A process of its own does it,
// so that neither the death of the harness nor that of the daemon stops it; should it die itself
// before all is in, the instance is ended (guard.h): nothing ever reads zeros in place of what it
// had.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/pages_reader.h"
#include "os/userfault.h"
#include "pager/guard.h"
#include "pager/missing_memory.h"
#include "pager/pager_page.h"
#include "protocol/channel.h"

namespace appshot {

struct PagerSetup {
  struct Space {
    uint64_t pid;  // as its process has it
    Userfault fault;
    MissingMemory missing;
    std::vector<uint64_t> needed;  // addresses of what must be there before its threads run; others
                                   // than of missing memory do not matter
  };
  const image::PagesReader& pages;
  std::vector<Space> spaces;
  std::string image_folder;  // where the working set is kept; also beside the record of the end
  std::string image_words;   // for errors: "snapshot 1f2e"
  EndOfInstance end;
};

// The harness's hold on a pager. Letting go of it does not end it.
class Pager {
 public:
  // Returns when what threads need is there.
  static Result<Pager> start(PagerSetup setup);
  // That of a harness that has died, by copies of its descriptors.
  static Result<Pager> adopt(UniqueFd process, UniqueFd page);

  uint64_t missing_bytes() const;
  // The application runs: what it does not ask for may come in as well from now on.
  void application_runs() const { page_.set_pace(StreamPace::spare); }
  // Waits until all is in and nothing is registered with the kernel any more. Class gone when it
  // could not be brought in: the instance is ended then.
  using Tell = std::function<void(uint64_t done_bytes, uint64_t total_bytes)>;
  Result<> finish(const Tell& tell);

  int process_fd() const { return process_.get(); }  // pidfd; readable when it has ended
  int page_fd() const { return page_.fd(); }

 private:
  Pager(UniqueFd process, SharedPagerPage page)
      : process_(std::move(process)), page_(std::move(page)) {}

  UniqueFd process_;
  SharedPagerPage page_;
};

// What the end of an instance is to be known by: as the harness's own record of it (exit.json).
std::string record_of_lost_memory(const Error& error);

}  // namespace appshot
