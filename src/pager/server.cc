#include "pager/server.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "image/format.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/pidfd.h"

namespace appshot {
namespace {

constexpr unsigned kStreamsMax = 4;
constexpr int kTryAgainMs = 1;
constexpr int kNice = 10;
// An application that begins to run asks for one page after the other, and waits for each:
// meanwhile the streams leave it the processors and the memory. Not for longer, or all would take
// longer.
constexpr std::chrono::milliseconds kFirstMoments{200};
constexpr std::chrono::milliseconds kStandBack{3};
// So many children at most are kept of which nobody knows that they have ended.
constexpr size_t kForksBetweenLooks = 64;

// Of the calling thread.
class Niceness {
 public:
  void set(int nice) {
    if (nice != nice_) ::setpriority(PRIO_PROCESS, 0, nice);
    nice_ = nice;
  }

 private:
  int nice_ = 0;
};

}  // namespace

class PagerServer::Buffer {
 public:
  explicit Buffer(const image::PagesReader& pages)
      : pages_(pages), bytes_(std::make_unique_for_overwrite<char[]>(image::kPagesBlock)) {}

  Result<const char*> read(const Piece& piece) {
    TRY(pages_.load({{piece.offset, piece.length, bytes_.get()}}));
    return static_cast<const char*>(bytes_.get());
  }

 private:
  const image::PagesReader& pages_;
  std::unique_ptr<char[]> bytes_;
};

PagerServer::PagerServer(PagerSetup setup, const SharedPagerPage& page)
    : setup_(std::move(setup)),
      page_(page),
      record_of_death_(record_of_lost_memory(
          Error(ErrorClass::gone, "the process that was bringing in " + setup_.image_words +
                                      " has died before all was there")
              .hint("it can be restored again"))),
      nudges_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      buffer_(std::make_unique<Buffer>(setup_.pages)) {
  for (PagerSetup::Space& space : setup_.spaces)
    spaces_.push_back(
        std::make_shared<PagedSpace>(space.pid, std::move(space.fault), std::move(space.missing)));
  count_missing();
  page_->total = page_->missing.load();
}

PagerServer::~PagerServer() = default;

Result<> PagerServer::protect() {
  if (!self_) self_ = TRY(Pidfd::open(HostPid{::getpid()})).release();
  guard_ = TRY(start_guard(self_.get(), page_, setup_.end, record_of_death_));
  return {};
}

Result<> PagerServer::replace_guard() {
  ::waitpid(guard_.pid, nullptr, 0);
  return protect();
}

void PagerServer::release() {
  page_->over = 1;
  if (!guard_.process) return;
  ::kill(guard_.pid, SIGKILL);  // ours, and not waited for: the id is its own
  ::waitpid(guard_.pid, nullptr, 0);
}

Result<> PagerServer::bring_what_threads_need() {
  auto space = spaces_.begin();
  for (const PagerSetup::Space& setup : setup_.spaces) {
    for (uint64_t address : setup.needed)
      if (std::optional<Piece> piece = (*space)->around(address))
        TRY(do_job({*space, *piece}, *buffer_));
    ++space;
  }
  return {};
}

// The blocks in which its pages lie.
void PagerServer::queue_working_set() {
  std::map<uint64_t, Space> by_pid;
  for (const Space& space : spaces_) by_pid[space->pid()] = space;
  std::set<std::pair<uint64_t, uint64_t>> queued;
  for (const image::AskedPage& page : image::read_working_set(setup_.image_folder)) {
    auto space = by_pid.find(page.pid);
    if (space == by_pid.end()) continue;
    std::optional<Piece> piece = space->second->around(page.address);
    if (piece && queued.insert({page.pid, piece->address}).second)
      first_.push_back({space->second, *piece});
  }
}

void PagerServer::start_streams() {
  const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, kStreamsMax);
  for (unsigned i = 0; i < threads; ++i) std::thread([this, i] { stream(i == 0); }).detach();
}

// The first one begins with the working set while the application is being put together.
void PagerServer::stream(bool first) {
  const bool held = !fault_point("memory.stream");
  Buffer buffer(setup_.pages);
  auto carry_out = [&](const Job& job) {
    Result<> done = do_job(job, buffer);
    if (!done) fail(done.take_error());
    count_missing();
    if (job.space->missing_bytes() == 0) nudge();
    return static_cast<bool>(done);
  };
  while (const std::optional<Job> job = first ? next_first_job() : std::nullopt)
    if (!carry_out(*job)) return;
  page_.wait_for(held ? StreamPace::hurried : StreamPace::spare);
  {
    std::lock_guard lock(mutex_);
    running_since_ = std::min(running_since_, Clock::now());
  }
  Niceness niceness;
  for (;;) {
    niceness.set(page_.pace() == StreamPace::hurried ? 0 : kNice);
    if (!carry_out(next_job())) return;
  }
}

std::optional<PagerServer::Job> PagerServer::next_first_job() {
  std::lock_guard lock(mutex_);
  if (first_.empty()) return {};
  Job job = std::move(first_.front());
  first_.pop_front();
  return job;
}

PagerServer::Job PagerServer::next_job() {
  if (std::optional<Job> job = next_first_job()) return *job;
  std::unique_lock lock(mutex_);
  for (;;) {
    more_.wait(lock, [&] { return !answering_; });
    const Clock::time_point go_on = last_answer_ + kStandBack;
    if (go_on < running_since_ + kFirstMoments && page_.pace() != StreamPace::hurried &&
        Clock::now() < go_on) {
      more_.wait_until(lock, go_on);
      continue;
    }
    for (const Space& space : spaces_)
      if (std::optional<Piece> piece = space->next()) return {space, *piece};
    more_.wait(lock);
  }
}

Result<> PagerServer::do_job(const Job& job, Buffer& buffer) {
  const char* bytes = TRY(buffer.read(job.piece));
  // It stays missing, and comes again behind the others.
  if (TRY(job.space->put(job.piece, bytes)) == PagedSpace::Outcome::changing) ::sched_yield();
  return {};
}

void PagerServer::fail(Error error) {
  std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  nudge();
}

void PagerServer::nudge() const {
  const uint64_t one = 1;
  (void)!::write(nudges_.get(), &one, sizeof one);
}

Result<> PagerServer::serve() {
  queue_working_set();
  start_streams();
  for (;;) {
    drop_finished();
    std::vector<Space> spaces;
    {
      std::lock_guard lock(mutex_);
      if (error_) return *error_;
      spaces.assign(spaces_.begin(), spaces_.end());
    }
    count_missing();
    if (spaces.empty()) break;
    std::vector<pollfd> all{{setup_.end.init.get(), POLLIN, 0},
                            {guard_.process.get(), POLLIN, 0},
                            {nudges_.get(), POLLIN, 0}};
    for (const Space& space : spaces) all.push_back({space->fd(), POLLIN, 0});
    ::poll(all.data(), all.size(), waiting_.empty() ? -1 : kTryAgainMs);
    if (all[0].revents != 0) break;  // nobody is left to read anything
    if (all[1].revents != 0) TRY(replace_guard());
    uint64_t nudged = 0;
    if (all[2].revents != 0) (void)!::read(nudges_.get(), &nudged, sizeof nudged);
    set_answering(true);
    for (size_t i = 0; i < spaces.size(); ++i)
      if (all[3 + i].revents != 0) TRY(take_news(spaces[i]));
    for (const Waiting& one : std::exchange(waiting_, {})) TRY(answer(one));
    set_answering(false);
  }
  keep_working_set();
  return {};
}

// The streams stand back while somebody waits.
void PagerServer::set_answering(bool answering) {
  std::lock_guard lock(mutex_);
  answering_ = answering;
  more_.notify_all();
}

Result<> PagerServer::take_news(const Space& space) {
  PagedSpace::News news = TRY(space->read_news());
  add_children(std::move(news.children));
  for (uint64_t page : news.pages) waiting_.push_back({space, page});
  return {};
}

Result<> PagerServer::answer(const Waiting& waiting) {
  using Outcome = PagedSpace::Outcome;
  TRY(fault_point("memory.answer"));
  PagedSpace& space = *waiting.space;
  Outcome outcome = Outcome::done;
  if (std::optional<Piece> piece = space.around(waiting.page)) {
    asked_for_.push_back({space.pid(), waiting.page});
    const char* bytes = TRY(buffer_->read(*piece));
    outcome = TRY(space.put_page(*piece, bytes, waiting.page));
    if (outcome == Outcome::done) outcome = TRY(space.put(*piece, bytes));
    space.go_on_at(piece->address + piece->length);
  } else {
    outcome = TRY(space.put_zero(waiting.page));
  }
  if (outcome == Outcome::changing) waiting_.push_back(waiting);
  std::lock_guard lock(mutex_);
  last_answer_ = Clock::now();
  return {};
}

void PagerServer::add_children(std::vector<Space> children) {
  if (children.empty()) return;
  const bool look = (forks_ + children.size()) / kForksBetweenLooks != forks_ / kForksBetweenLooks;
  forks_ += children.size();
  std::lock_guard lock(mutex_);
  for (Space& child : children) {
    page_->total += child->missing_bytes();
    spaces_.push_back(std::move(child));
  }
  if (look)
    for (const Space& space : spaces_) (void)space->is_gone();
  more_.notify_all();
}

// With its last descriptor the kernel forgets that anything was registered, and wakes who waits.
void PagerServer::drop_finished() {
  std::lock_guard lock(mutex_);
  std::erase_if(spaces_, [](const Space& space) { return space->missing_bytes() == 0; });
  std::erase_if(waiting_, [](const Waiting& one) { return one.space->missing_bytes() == 0; });
}

void PagerServer::count_missing() {
  std::lock_guard lock(mutex_);
  uint64_t missing = 0;
  for (const Space& space : spaces_) missing += space->missing_bytes();
  page_->missing = missing;
}

// Beside the image, if that is still there, and where the instance has what is its own.
void PagerServer::keep_working_set() {
  const image::WorkingSet known = image::read_working_set(setup_.image_folder);
  const image::WorkingSet set = image::merged_working_set(known, asked_for_);
  if (set.empty()) return;
  (void)!image::write_working_set(setup_.end.folder.get(), set);
  if (asked_for_.empty()) return;
  Result<UniqueFd> folder = open_file(setup_.image_folder, O_RDONLY | O_DIRECTORY);
  if (folder) (void)!image::write_working_set(folder->get(), set);
}

}  // namespace appshot
