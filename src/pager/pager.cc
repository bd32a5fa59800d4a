#include "pager/pager.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/child.h"
#include "pager/server.h"
#include "protocol/error_json.h"
#include "protocol/messages.h"

namespace appshot {
namespace {

constexpr std::chrono::seconds kStartMax{60};
constexpr std::chrono::seconds kSilenceMax{60};
constexpr int kLookMs = 50;

Result<> keep_only_ours(const PagerSetup& setup, const Channel& parent) {
  std::vector<int> ours = setup.pages.descriptors();
  for (int fd : {parent.fd(), setup.end.init.get(), setup.end.kill.get(), setup.end.folder.get()})
    ours.push_back(fd);
  for (const PagerSetup::Space& space : setup.spaces) ours.push_back(space.fault.fd());
  TRY(close_descriptors_except(std::move(ours)));
  // One for each process that is forked meanwhile.
  rlimit descriptors{};
  TRY_SYS(::getrlimit(RLIMIT_NOFILE, &descriptors));
  descriptors.rlim_cur = descriptors.rlim_max;
  TRY_SYS(::setrlimit(RLIMIT_NOFILE, &descriptors));
  return {};
}

[[noreturn]] void run_pager(PagerSetup setup, const SharedPagerPage& page, Channel parent) {
  ::prctl(PR_SET_NAME, "appshot-pager", 0, 0, 0);
  const std::string words = "the memory of " + setup.image_words;
  Result<> done = keep_only_ours(setup, parent);
  PagerServer server(std::move(setup), page);
  if (done) done = server.protect();
  if (done) done = server.bring_what_threads_need();
  if (done) {
    done = parent.send(make_event("ready"));
    parent = Channel();
    if (done) done = server.serve();
    if (!done) {
      Error error = done.error();
      server.end().bring_about(record_of_lost_memory(std::move(error).within(words)));
    }
  } else {
    (void)!parent.send(make_event("failed", {{"error", error_to_json(done.error())}}));
  }
  server.release();
  ::_exit(done ? 0 : 1);
}

}  // namespace

std::string record_of_lost_memory(const Error& error) {
  return json_text(
      Json{{"status", SIGKILL}, {"reason", "signal"}, {"error", error_to_json(error)}});
}

Result<Pager> Pager::start(PagerSetup setup) {
  SharedPagerPage page = TRY(SharedPagerPage::make());
  auto [ours, theirs] = TRY(Channel::make_pair());
  UniqueFd process;
  pid_t pid = TRY(fork_child({.pidfd = &process}));
  if (pid == 0) run_pager(std::move(setup), page, std::move(theirs));
  theirs = Channel();
  std::optional<Packet> packet = TRY(ours.receive(Deadline::in(kStartMax)));
  if (!packet) return Error(ErrorClass::gone, "the process that brings its memory in has died");
  if (string_at(packet->document, "event") != "ready")
    return error_from_json(field(packet->document, "error"));
  return Pager(std::move(process), std::move(page));
}

Result<Pager> Pager::adopt(UniqueFd process, UniqueFd page) {
  return Pager(std::move(process), TRY(SharedPagerPage::open(std::move(page))));
}

uint64_t Pager::missing_bytes() const { return page_->over != 0 ? 0 : page_->missing.load(); }

Result<> Pager::finish(const Tell& tell) {
  page_.set_pace(StreamPace::hurried);
  Deadline deadline = Deadline::in(kSilenceMax);
  uint64_t seen = page_->missing;
  pollfd ended{process_.get(), POLLIN, 0};
  while (::poll(&ended, 1, kLookMs) <= 0) {
    const uint64_t missing = page_->missing, total = page_->total;
    if (missing != seen) deadline = Deadline::in(kSilenceMax);
    seen = missing;
    if (tell) tell(total - std::min(missing, total), total);
    if (deadline.passed())
      return Error(ErrorClass::timeout, std::to_string(missing) +
                                            " bytes of its memory are still missing since its "
                                            "restore, and no more come in");
  }
  siginfo_t info;
  ::waitid(P_PIDFD, static_cast<id_t>(process_.get()), &info, WEXITED | WNOHANG);
  if (page_->over != 0 && page_->missing == 0) return {};
  return Error(ErrorClass::gone, "not all of its memory could be brought in after its restore");
}

}  // namespace appshot
