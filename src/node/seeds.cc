#include "node/seeds.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/size.h"
#include "node/log.h"
#include "protocol/error_json.h"
#include "protocol/harness_begin.h"

namespace appshot {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr seconds kLoadWait{600};
constexpr seconds kForkWait{10};
constexpr std::chrono::minutes kUnusedMax{5};

}  // namespace

struct Seeds::Seed {
  explicit Seed(const SnapshotRecord& of, Keep wish)
      : image(of.id), bytes(of.memory_bytes), keep(wish) {}

  const std::string image;
  const int64_t bytes;
  Keep keep;
  Clock::time_point used = Clock::now();
  std::optional<Result<>> loaded{};  // none: it is on its way

  std::mutex channel_mutex{};
  StartedHarness process{};
  std::shared_ptr<HarnessStarter> harnesses{};

  Result<StartedHarness> fork_harness() {
    auto [ours, theirs] = TRY(Channel::make_pair());
    std::lock_guard lock(channel_mutex);
    const int fds[] = {theirs.fd()};
    TRY(process.channel.send({{"op", "harness"}}, fds));
    std::optional<Packet> answer = TRY(process.channel.receive(Deadline::in(kForkWait)));
    if (!answer) return Error(ErrorClass::gone, "the seed of " + image + " has ended");
    if (answer->document.contains("error"))
      return error_from_json(field(answer->document, "error"));
    return StartedHarness{std::move(ours), static_cast<pid_t>(int_at(answer->document, "pid"))};
  }

  bool has_ended() {
    std::lock_guard lock(channel_mutex);
    return process.channel && process.channel.peer_has_closed();
  }
};

Result<std::shared_ptr<HarnessStarter>> Seeds::get(const SnapshotRecord& image, Keep keep,
                                                   const ProgressListener& progress) {
  bool is_new = false;
  std::shared_ptr<Seed> seed = TRY(take_place(image, keep, is_new));
  if (is_new) settle(seed, load(*seed, image, progress));
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return seed->loaded.has_value(); });
  if (!*seed->loaded) return Error(seed->loaded->error()).within("the seed of " + image.id);
  return seed->harnesses;
}

std::shared_ptr<HarnessStarter> Seeds::find(const std::string& image) {
  std::lock_guard lock(mutex_);
  auto found = seeds_.find(image);
  if (found == seeds_.end() || !found->second->loaded || !*found->second->loaded) return nullptr;
  if (found->second->has_ended()) {
    log_warning("the seed of " + image + " has ended");
    seeds_.erase(found);
    return nullptr;
  }
  found->second->used = Clock::now();
  return found->second->harnesses;
}

void Seeds::warm_later(const SnapshotRecord& image, Keep keep) {
  background_.run([this, image, keep] {
    if (find(image.id)) return;
    Result<std::shared_ptr<HarnessStarter>> seed = get(image, keep);
    if (!seed && (keep == Keep::always || seed.error().cls() != ErrorClass::exhausted))
      log_warning(seed.error().message());
  });
}

void Seeds::drop(const std::string& image) {
  std::shared_ptr<Seed> dropped;  // ends outside of the lock
  std::lock_guard lock(mutex_);
  auto found = seeds_.find(image);
  if (found == seeds_.end()) return;
  dropped = std::move(found->second);
  seeds_.erase(found);
  changed_.notify_all();
}

Seeds::State Seeds::state(const std::string& image) {
  std::lock_guard lock(mutex_);
  auto found = seeds_.find(image);
  if (found == seeds_.end() || found->second->has_ended()) return State::cold;
  return found->second->loaded ? State::warm : State::warming;
}

Result<std::shared_ptr<Seeds::Seed>> Seeds::take_place(const SnapshotRecord& image, Keep keep,
                                                       bool& is_new) {
  std::lock_guard lock(mutex_);
  if (auto found = seeds_.find(image.id); found != seeds_.end()) {
    Seed& seed = *found->second;
    seed.used = Clock::now();
    if (keep == Keep::always) seed.keep = keep;
    if (!seed.has_ended()) return found->second;
    seeds_.erase(found);
  }
  TRY(make_room(image.memory_bytes));
  auto seed = std::make_shared<Seed>(image, keep);
  seeds_[image.id] = seed;
  is_new = true;
  return seed;
}

// By giving up those that are not asked for, the longest unused first.
Result<> Seeds::make_room(int64_t bytes) {
  for (;;) {
    int64_t taken = 0;
    auto victim = seeds_.end();
    for (auto seed = seeds_.begin(); seed != seeds_.end(); ++seed) {
      taken += seed->second->bytes;
      const bool may_go = seed->second->keep == Keep::while_used && seed->second->loaded;
      if (may_go && (victim == seeds_.end() || seed->second->used < victim->second->used))
        victim = seed;
    }
    if (taken + bytes <= room_) return {};
    if (victim == seeds_.end())
      return Error(ErrorClass::exhausted, "there is no room to keep " + size_text(bytes) +
                                              " warm: " + size_text(taken) + " of " +
                                              size_text(room_) + " are taken by other templates")
          .hint(
              "remove a warm template (appshot templates), or set memory under [templates] in "
              "the configuration");
    seeds_.erase(victim);
  }
}

Result<> Seeds::load(Seed& seed, const SnapshotRecord& image, const ProgressListener& progress) {
  StartedHarness process = TRY(start_harness_program(program_));
  HarnessConfig config;
  config.mode = "seed";
  config.image = image.dir;
  TRY(send_begin(process.channel, config, STDERR_FILENO));
  TRY(await_ready(process, kLoadWait, progress));
  seed.process = std::move(process);
  return {};
}

void Seeds::settle(const std::shared_ptr<Seed>& seed, Result<> loaded) {
  if (loaded) {
    seed->harnesses = std::make_shared<HarnessStarter>(
        [kept = std::weak_ptr<Seed>(seed)]() -> Result<StartedHarness> {
          if (std::shared_ptr<Seed> there = kept.lock()) return there->fork_harness();
          return Error(ErrorClass::gone, "the seed is not kept any more");
        });
    seed->harnesses->prepare_spare();
  }
  std::lock_guard lock(mutex_);
  auto found = seeds_.find(seed->image);
  if (!loaded && found != seeds_.end() && found->second == seed) seeds_.erase(found);
  seed->loaded = std::move(loaded);
  if (seed->keep == Keep::while_used && !std::exchange(is_watched_, true))
    background_.run([this] { watch_over_unused(); });
  changed_.notify_all();
}

// As long as there are any that are not asked for.
void Seeds::watch_over_unused() {
  std::unique_lock lock(mutex_);
  for (;;) {
    std::optional<Clock::time_point> next;
    std::erase_if(seeds_, [&](const auto& entry) {
      const Seed& seed = *entry.second;
      if (seed.keep == Keep::always) return false;
      const Clock::time_point end = seed.used + kUnusedMax;
      if (seed.loaded && end <= Clock::now()) return true;
      next = std::min(next.value_or(end), end);
      return false;
    });
    if (!next) break;
    changed_.wait_until(lock, *next);
  }
  is_watched_ = false;
}

}  // namespace appshot
