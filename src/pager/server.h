// What a pager does until nothing is missing any more: one thread answers who waits for a page, the
// others bring in the rest meanwhile.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "image/pages_reader.h"
#include "image/working_set.h"
#include "pager/paged_space.h"
#include "pager/pager.h"

namespace appshot {

class PagerServer {
 public:
  PagerServer(PagerSetup setup, const SharedPagerPage& page);
  ~PagerServer();

  // From here on our death ends the instance.
  Result<> protect();
  // What threads need before they run: a page that is missing when one ends would not be asked for.
  Result<> bring_what_threads_need();
  // Returns when all is in, or the instance has ended. An error: something cannot be brought in.
  Result<> serve();
  const EndOfInstance& end() const { return setup_.end; }
  // When nobody can read zeros any more.
  void release();

 private:
  using Clock = std::chrono::steady_clock;
  using Space = std::shared_ptr<PagedSpace>;
  using Piece = MissingMemory::Piece;
  struct Job {
    Space space;
    Piece piece;
  };
  // A block, read and checked.
  class Buffer;
  struct Waiting {
    Space space;
    uint64_t page;
  };

  void queue_working_set();
  void start_streams();
  void stream(bool first);
  std::optional<Job> next_first_job();
  Job next_job();
  Result<> do_job(const Job& job, Buffer& buffer);
  Result<> replace_guard();
  void fail(Error error);
  void nudge() const;

  void set_answering(bool answering);
  Result<> take_news(const Space& space);
  Result<> answer(const Waiting& waiting);
  void add_children(std::vector<Space> children);
  void drop_finished();
  void count_missing();
  void keep_working_set();

  PagerSetup setup_;
  const SharedPagerPage& page_;
  const std::string record_of_death_;
  UniqueFd self_;  // pidfd
  Guard guard_;
  UniqueFd nudges_;  // eventfd: streams have something to tell

  // Of the thread that answers.
  std::vector<Waiting> waiting_;  // while their processes change their maps
  std::unique_ptr<Buffer> buffer_;
  image::WorkingSet asked_for_;  // in the order in which they were
  size_t forks_ = 0;

  std::mutex mutex_;  // guards what follows; taken before that of a space
  std::condition_variable more_;
  std::list<Space> spaces_;  // parents before children, which often end soon
  std::deque<Job> first_;    // before anything else
  bool answering_ = false;
  Clock::time_point running_since_ = Clock::time_point::max();  // the application
  Clock::time_point last_answer_{};
  std::optional<Error> error_;
};

}  // namespace appshot
