#include "checkpoint/checkpoint.h"

#include <sys/utsname.h>

#include <algorithm>
#include <chrono>

#include "checkpoint/capture_process.h"
#include "checkpoint/capture_undo.h"
#include "checkpoint/contents_ahead.h"
#include "checkpoint/earlier_pages.h"
#include "checkpoint/expected_files.h"
#include "checkpoint/machine.h"
#include "checkpoint/moment.h"
#include "checkpoint/namespace_obstacles.h"
#include "checkpoint/namespaces.h"
#include "checkpoint/precopy.h"
#include "checkpoint/process_questions.h"
#include "checkpoint/process_tree.h"
#include "checkpoint/shared_parts.h"
#include "checkpoint/sums_ahead.h"
#include "checkpoint/vfork_obstacles.h"
#include "checkpoint/waiting_threads.h"
#include "image/format.h"
#include "image/manifest.h"
#include "image/pages_file.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/file_system.h"
#include "os/parallel.h"
#include "resources/layers/layers.h"
#include "resources/mounts/capture_mounts.h"
#include "resources/networks/networks.h"
#include "resources/pipes/pipe.h"
#include "resources/tcp/connections.h"
#include "resources/tcp/outside.h"
#include "resources/terminals/states.h"
#include "resources/unix_sockets/connections.h"
#include "resources/unix_sockets/identities.h"
#include "trace/frozen_application.h"

namespace appshot {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kFreezeMax{10};

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Removes what was begun unless told that it is whole.
class PartialFolder {
 public:
  static Result<PartialFolder> create(const std::string& path) {
    TRY(remove_tree(path));
    TRY(make_folders(path, 0700));
    return PartialFolder(path);
  }
  PartialFolder(PartialFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ~PartialFolder() {
    if (!path_.empty()) (void)!remove_tree(path_);
  }
  void keep() { path_.clear(); }

 private:
  explicit PartialFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// While a snapshot is taken its pages count as written; if it fails, they are nowhere.
class KeptPages {
 public:
  KeptPages(MemoryTracks& tracks, bool forget) : tracks_(tracks) {
    if (forget) tracks_.forget_pages();
  }
  ~KeptPages() {
    if (!stand_) tracks_.forget_pages();
  }
  void stand() { stand_ = true; }

 private:
  MemoryTracks& tracks_;
  bool stand_ = false;
};

uint64_t now_ms() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

class Checkpoint {
 public:
  Checkpoint(const InstanceView& instance, const CheckpointRequest& request, Moment moment,
             image::PagesFile& file, PageCopies& pages)
      : instance_(instance),
        request_(request),
        frozen_(std::move(moment.frozen)),
        sources_(std::move(moment.sources)),
        mounts_(std::move(moment.mounts)),
        file_(file),
        pages_(pages),
        context_{instance, image_, pages_, instance.tracks, !request.stop} {
    context_.hold = request.hold;
  }

  Result<> describe() {
    image_.version = image::kFormatVersion;
    image_.id = request_.id;
    image_.parent = request_.parent;
    image_.aid = instance_.aid;
    image_.created_ms = now_ms();
    image_.argv = request_.argv;
    image_.options = request_.options;
    image_.share = instance_.share.names();
    image_.machine = TRY(describe_machine());
    return {};
  }

  // Held and asked by this thread, which alone may, while another looks at all that is seen.
  Result<> capture_processes() {
    for (size_t i = 0; i < sources_.size(); ++i)
      image_.processes.push_back(std::make_unique<image::ProcessT>());
    TRY(mounts::capture(context_, mounts_));
    FileTable files(context_);
    Alongside seen([&] { return capture_all_seen(files); });
    TRY(capture_all_held());
    for (auto& process : questions_) TRY(process->ask().within(process->source().words()));
    TRY(seen.finish());
    for (size_t i = 0; i < sources_.size(); ++i)
      TRY(capture_own_parts(context_, frozen_.processes()[i], sources_[i], *image_.processes[i]));
    for (auto& process : questions_)
      TRY(process->collect(table_of(process->source())).within(process->source().words()));
    TRY(waiting::complete(context_, frozen_, sources_));
    TRY(networks::capture(context_));
    TRY(tcp::capture_connections(context_));
    TRY(unix_sockets::translate_identities(context_, sources_));
    TRY(files.find_lost_pipe_ends(sources_));
    TRY(files.resolve_epoll_targets(sources_));
    TRY(complete_tree(context_));
    return {};
  }

  Result<> capture_global_state() {
    TRY(capture_namespaces(context_));
    TRY(capture_sem_undo(context_, questions_));
    TRY(terminals::capture_states(context_, sources_));
    find_sharing_obstacles(image_, context_.obstacles);
    find_vfork_obstacles(image_, context_.obstacles);
    find_namespace_obstacles(image_, context_.obstacles);
    TRY(layers::capture(context_));
    TRY(mounts::capture_contents(context_, mounts_));
    TRY(capture_expected_files(context_));
    TRY(pages_.close());
    if (!context_.obstacles.empty()) return refusal(context_.obstacles);
    return request_.stop && request_.refuse_unrestorable ? request_.refuse_unrestorable(image_)
                                                         : Result<>();
  }

  // Everything goes on at one moment, each process as it was before it was asked.
  Result<> resume() {
    for (auto& process : questions_)
      TRY(some_share_memory() ? process->end() : process->begin_end());
    for (auto& process : questions_) TRY(process->end());
    return frozen_.resume();
  }

  Result<> kill() {
    for (auto& process : questions_) process->forget();
    TRY(frozen_.kill());
    tcp::vanish(context_);
    return {};
  }

  Result<> write(const EarlierPages& earlier) {
    TRY(file_.finish());
    image_.pages_block = image::kPagesBlock;
    image_.pages = TRY(earlier.used_by(image_));
    if (file_.length() > 0) image_.pages.push_back(file_.part(image::kPagesName));
    return image::write_manifest(request_.partial, image_);
  }

  // What the next snapshot need not copy again.
  void remember() {
    for (const ProcessSource& source : sources_) {
      TrackedMemory* tracked = instance_.tracks->find(source.host, source.stat.start_time);
      if (tracked == nullptr) continue;
      std::vector<image::PageRun> zeros, kept;
      for (const image::PageRun& run : tracked->known.runs())
        if (is_zeros(run)) zeros.push_back(run);
      for (const auto& process : image_.processes)
        if (process->pid == source.id.value && process->address_space)
          for (const auto& mapping : process->address_space->mappings)
            kept.insert(kept.end(), mapping->pages.begin(), mapping->pages.end());
      tracked->known = KnownPages(std::move(zeros));
      tracked->known.add(std::move(kept));
    }
    instance_.tracks->forget_contents_not_captured();
    instance_.tracks->file_sums().forget_unused();
    instance_.tracks->origin().reset();
    instance_.tracks->kept() = {request_.id, request_.final_path, std::move(image_.pages),
                                file_.next_base()};
  }

  double frozen_ms() const { return frozen_.ms(); }

  CheckpointReport report() const {
    CheckpointReport report;
    report.processes = image_.processes.size();
    report.memory_bytes = image::memory_bytes(image_);
    report.stored_bytes = file_.length();
    return report;
  }

 private:
  Result<> capture_all_seen(FileTable& files) {
    for (size_t i = 0; i < sources_.size(); ++i)
      TRY(capture_seen(context_, files, sources_[i], *image_.processes[i])
              .within(sources_[i].words()));
    TRY(unix_sockets::capture_connections(context_, sources_));
    const uint64_t total = pages_.noted();
    file_.on_block(
        [&](uint64_t done) { request_.progress("memory", std::min(done, total), total); });
    TRY(pages_.complete());
    file_.on_block({});
    return {};
  }

  // Whose descriptors it has: its own are not told again.
  const ProcessSource& table_of(const ProcessSource& source) const {
    const SharedWithMaker& shared = source.shared;
    if (shared.descriptors)
      for (const ProcessSource& other : sources_)
        if (shared.maker.value != 0 ? other.id.value == shared.maker.value
                                    : other.host.value == source.stat.parent)
          return table_of(other);
    return source;
  }

  // Then one begins, and ends, after the other: the place where a first call is put is the same.
  bool some_share_memory() const {
    return std::ranges::any_of(sources_,
                               [](const ProcessSource& source) { return source.shared.memory; });
  }

  Result<> capture_all_held() {
    for (size_t i = 0; i < sources_.size(); ++i) {
      FrozenProcess& frozen = frozen_.processes()[i];
      const ProcessSource& source = sources_[i];
      image::ProcessT& record = *image_.processes[i];
      TRY(capture_held(instance_, frozen, source, record).within(source.words()));
      if (frozen.held() == nullptr) continue;
      if (some_share_memory())
        for (auto& earlier : questions_) TRY(earlier->ready().within(earlier->source().words()));
      questions_.push_back(
          TRY(ProcessQuestions::begin(context_, frozen, source, record).within(source.words())));
    }
    return {};
  }

  const InstanceView& instance_;
  const CheckpointRequest& request_;
  FrozenApplication frozen_;
  std::vector<ProcessSource> sources_;
  mounts::SeenMounts mounts_;
  image::ImageT image_;
  image::PagesFile& file_;
  PageCopies& pages_;
  CaptureContext context_;
  std::vector<std::unique_ptr<ProcessQuestions>> questions_;
};

}  // namespace

Result<CheckpointReport> checkpoint(const InstanceView& instance,
                                    const CheckpointRequest& request) {
  const Clock::time_point start = Clock::now();
  PartialFolder folder = TRY(PartialFolder::create(request.partial));
  const bool sync = request.sync || !TRY(reserves_room_when_written(request.partial));
  KeptPages kept(*instance.tracks, request.full);
  const EarlierPages earlier = EarlierPages::link(*instance.tracks, request.partial);
  const std::unique_ptr<image::PagesFile> file = TRY(image::PagesFile::create(
      request.partial + "/" + image::kPagesName, earlier.next_base(), sync));
  PageCopies pages(*file, earlier.bytes());
  TRY(fault_point("snapshot.begin"));
  Precopied precopied;
  // Which of its files are likely to be as they were.
  if (instance.tracks->origin()) (void)!ContentsAhead::find(instance, *instance.tracks);
  if (instance.share.fs) {
    FileSums& sums = instance.tracks->file_sums();
    if (request.full) sums = FileSums();
    TRY(sum_files_ahead(instance, sums, request.progress));
  }
  if (request.precopy) precopied = TRY(copy_while_running(instance, *instance.tracks, pages));

  // From here to resume() or kill() nothing of the application runs.
  Moment moment = TRY(hold_moment(
      instance,
      request.stop ? FrozenApplication::Afterwards::ends : FrozenApplication::Afterwards::runs_on,
      Deadline::in(kFreezeMax)));
  if (request.mute) TRY(request.mute());
  TRY(fault_point("snapshot.frozen"));
  Checkpoint capture(instance, request, std::move(moment), *file, pages);
  TRY(capture.describe());
  TRY(capture.capture_processes());
  TRY(fault_point("snapshot.captured"));
  TRY(capture.capture_global_state());
  const bool resume_early = !request.stop;
  double frozen_ms = 0;
  if (resume_early) {
    TRY(capture.resume());
    frozen_ms = capture.frozen_ms();
  }

  // The image becomes whole, then visible; only then may the application end.
  TRY(capture.write(earlier));
  TRY(fault_point("snapshot.written"));
  TRY(publish_folder(request.partial, request.final_path, sync ? Durable::now : Durable::later));
  folder.keep();
  TRY(fault_point("snapshot.published"));
  if (request.stop) {
    TRY(capture.kill());
    frozen_ms = capture.frozen_ms();
  } else {
    capture.remember();
    kept.stand();
  }
  CheckpointReport report = capture.report();
  report.durable = sync;
  report.frozen_ms = frozen_ms + precopied.paused_ms;
  report.longest_frozen_ms = std::max(frozen_ms, precopied.longest_ms);
  report.took_ms = ms_since(start);
  return report;
}

}  // namespace appshot
