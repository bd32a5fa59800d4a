#include "node/clones.h"

#include <atomic>
#include <optional>
#include <thread>

#include "node/log.h"
#include "os/file.h"

namespace appshot {
namespace {

constexpr char kNumber[] = "{n}";
constexpr int64_t kCountMax = 10'000;
constexpr int64_t kWorthASeed = 4;  // so many clones at once

std::string numbered(const std::string& pattern, int64_t number) {
  std::string name = pattern;
  for (size_t at = name.find(kNumber); at != std::string::npos; at = name.find(kNumber, at))
    name.replace(at, sizeof kNumber - 1, std::to_string(number));
  return name;
}

bool is_pattern(const std::string& name) { return name.find(kNumber) != std::string::npos; }

Result<> check(const CloneWish& wish) {
  if (wish.count < 1 || wish.count > kCountMax)
    return Error(ErrorClass::usage, "there can be 1 to " + std::to_string(kCountMax) +
                                        " clones at once, not " + std::to_string(wish.count));
  if (wish.count > 1 && !wish.name.empty() && !is_pattern(wish.name))
    return Error(ErrorClass::usage, "only one clone can be called " + wish.name)
        .hint("--name " + wish.name + "-" + kNumber + " numbers them");
  for (const std::string& port : wish.ports) {
    const PublishedPort parsed = TRY(PublishedPort::parse(port));
    if (wish.count > 1 && parsed.port != 0)
      return Error(ErrorClass::usage, "only one clone can have port " + std::to_string(parsed.port))
          .hint("-p 0:" + std::to_string(parsed.inside) + " gives each a port of its own");
  }
  for (const std::string& one : wish.env)
    if (one.find('=') == std::string::npos || one.front() == '=')
      return Error(ErrorClass::usage, "-e " + one + ": not KEY=VALUE");
  return {};
}

}  // namespace

std::optional<ConnectionsWish> connections_wish_from_name(const std::string& name) {
  if (name.empty() || name == "close") return ConnectionsWish::close;
  if (name == "keep-first") return ConnectionsWish::keep_first;
  if (name == "refuse") return ConnectionsWish::refuse;
  return std::nullopt;
}

Result<Json> Clones::make(const CloneWish& wish, const ProgressListener& progress) {
  TRY(check(wish));
  const std::string what = "cannot clone " + wish.from;
  const Templates::Source source = TRY(templates_.find_source(wish.from, progress).within(what));
  const auto make_all = [&]() -> Result<Json> {
    TRY(refuse_if_wanted(source, wish));
    InstanceRecord record;
    record.state = InstanceState::stopped;
    record.why = kBeingRestored;
    record.created_ms = record.changed_ms = unix_time_ms();
    Json spec = TRY(parse_json(source.image.spec));
    spec["ports"] = wish.ports;
    spec["template"] = {{"id", source.image.id}, {"name", source.name}};
    record.spec = json_text(spec);
    record.generation = int_at(spec, "generation", 1);
    const std::vector<std::string> aids = TRY(take_aids(wish, record));
    Result<Json> all = start_all(aids, source, wish, progress);
    if (!all) undo(aids);
    return all;
  };
  Result<Json> made = make_all();
  templates_.drop_passing(source);
  if (!made) return std::move(made).within(what).take_error();
  return Json{{"instances", *std::move(made)}};
}

Result<> Clones::refuse_if_wanted(const Templates::Source& source, const CloneWish& wish) {
  TRY(templates_.refuse_obstacles(source.image));
  if (wish.connections != ConnectionsWish::refuse) return {};
  return refuse(TRY(node_.images.connections_with_others(source.image.dir)));
}

// Of those that a pattern makes, the ones with the lowest numbers that nobody has.
Result<std::vector<std::string>> Clones::take_aids(const CloneWish& wish,
                                                   const InstanceRecord& record) {
  std::vector<std::string> aids;
  int64_t number = 0;
  while (aids.size() < static_cast<size_t>(wish.count)) {
    AidWish aid{AidWish::Kind::generated, ""};
    if (!wish.name.empty()) aid = {AidWish::Kind::given, numbered(wish.name, ++number)};
    Result<std::string> taken = node_.registry.create_instance(record, aid);
    if (taken) {
      aids.push_back(*std::move(taken));
    } else if (taken.error().cls() != ErrorClass::conflict || !is_pattern(wish.name)) {
      undo(aids);
      return taken.take_error();
    }
  }
  return aids;
}

// None: the image is read, once for each clone. For many that takes longer than to load it first.
std::shared_ptr<HarnessStarter> Clones::find_seed(const Templates::Source& source,
                                                  const CloneWish& wish,
                                                  const ProgressListener& progress) {
  Seeds& seeds = templates_.seeds();
  const SnapshotRecord& image = source.image;
  if (std::shared_ptr<HarnessStarter> there = seeds.find(image.id)) return there;
  const Seeds::Keep keep = image.warm ? Seeds::Keep::always : Seeds::Keep::while_used;
  if (!image.warm && (wish.count < kWorthASeed || wish.memory == "lazy")) {
    if (image.is_template) seeds.warm_later(image, keep);
    return nullptr;
  }
  Result<std::shared_ptr<HarnessStarter>> loaded = seeds.get(image, keep, progress);
  if (loaded) return *std::move(loaded);
  log_info(loaded.error().message());
  return nullptr;
}

Result<Json> Clones::start(const std::string& aid, const Templates::Source& source,
                           const RunWish& wish, const ProgressListener& progress) {
  Operation operation = TRY(lifecycle_.begin(aid, "clone"));
  const Lifecycle::Started started =
      TRY(snapshots_.run_from(operation, source.image, wish, progress));
  return snapshots_.describe_running(aid, started);
}

// As many at a time as there are processors.
Result<Json> Clones::start_all(const std::vector<std::string>& aids,
                               const Templates::Source& source, const CloneWish& wish,
                               const ProgressListener& progress) {
  std::vector<std::optional<Result<Json>>> started(aids.size());
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  const ProgressListener tell = aids.size() == 1 ? progress : ProgressListener();
  const std::shared_ptr<HarnessStarter> seed = find_seed(source, wish, progress);
  const RunWish run{"a clone of " + source.name, wish.memory,
                    RunWish::Clone{source.name, wish.ports, wish.env, seed}};
  const auto as_wished = [&](size_t i) {
    RunWish one = run;
    one.clone->takes_connections = i == 0 && wish.connections == ConnectionsWish::keep_first;
    return one;
  };
  const auto work = [&] {
    for (size_t i = next++; i < aids.size() && !failed; i = next++) {
      started[i] = start(aids[i], source, as_wished(i), tell);
      if (!*started[i]) failed = true;
    }
  };
  std::vector<std::jthread> others;
  const size_t processors = std::max(1U, std::thread::hardware_concurrency());
  while (others.size() + 1 < std::min(processors, aids.size())) others.emplace_back(work);
  work();
  others.clear();
  if (seed) lifecycle_.prepare_spare_harness(seed);
  Json all = Json::array();
  for (std::optional<Result<Json>>& one : started) {
    if (one && !*one) return one->take_error();
    if (one) all.push_back(**std::move(one));
  }
  return all;
}

void Clones::undo(const std::vector<std::string>& aids) {
  for (const std::string& aid : aids)
    if (Result<Json> removed = instances_.remove(aid, true);
        !removed && removed.error().cls() != ErrorClass::not_found)
      log_warning(aid + ": " + removed.error().message());
}

}  // namespace appshot
