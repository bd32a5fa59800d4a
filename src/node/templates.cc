#include "node/templates.h"

#include <unistd.h>

#include <algorithm>

#include "node/log.h"
#include "os/file.h"

namespace appshot {
namespace {

std::string template_of(const InstanceRecord& instance) {
  return string_at(field(parse_json(instance.spec).value_or(Json()), "template"), "id");
}

constexpr int64_t kPartOfMemory = 4;  // is set apart, where nothing else is said

int64_t room_for_seeds(const NodeConfig& config) {
  if (config.template_memory > 0) return config.template_memory;
  return int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE) / kPartOfMemory;
}

const char* name_of(Seeds::State state) {
  return state == Seeds::State::cold ? "cold" : state == Seeds::State::warm ? "warm" : "warming";
}

bool is_called(const SnapshotRecord& record, const std::string& name) {
  return record.id == name || record.name == name;
}

}  // namespace

Result<> refuse(std::vector<Obstacle> obstacles) {
  if (obstacles.empty()) return {};
  if (obstacles.size() > 1)
    return Error(ErrorClass::refused, std::to_string(obstacles.size()) + " obstacles")
        .with_obstacles(std::move(obstacles));
  const Obstacle only = obstacles.front();
  return Error(ErrorClass::refused, only.what).hint(only.hint).with_obstacles(std::move(obstacles));
}

Templates::Templates(Node& node, Lifecycle& lifecycle, Snapshots& snapshots)
    : node_(node),
      lifecycle_(lifecycle),
      snapshots_(snapshots),
      frozen_files_(node, lifecycle.background()),
      seeds_(harness_program(node.config.harness), room_for_seeds(node.config),
             lifecycle.background()) {
  lifecycle_.when_purged([this](const InstanceRecord& purged) {
    if (!template_of(purged).empty()) frozen_files_.sweep_later();
  });
}

Result<Templates::Source> Templates::find_source(const std::string& from,
                                                 const ProgressListener& progress) {
  TRY(snapshots_.settle());
  Result<SnapshotRecord> image = node_.registry.snapshot(from);
  Result<InstanceRecord> instance = node_.registry.instance(from);
  // What is called exactly so comes before what only begins so.
  const bool is_instance =
      instance && !(image && is_called(*image, from)) && (instance->aid == from || !image);
  if (!is_instance && !image) return image.take_error();
  if (!is_instance) {
    if (!image->complete)
      return Error(ErrorClass::conflict, "the snapshot " + image->id + " is still being taken");
    return Source{*image, image->name.empty() ? image->id : image->name};
  }
  if (instance->state == InstanceState::asleep)
    return Source{TRY(node_.registry.snapshot(instance->sleep_snapshot)), instance->aid};
  SnapshotWish wish;
  wish.passing = true;
  const Json taken = TRY(snapshots_.take(instance->aid, wish, progress));
  return Source{TRY(node_.registry.snapshot(string_at(taken, "id"))), instance->aid, true};
}

void Templates::drop_passing(const Source& source) {
  if (!source.passing) return;
  seeds_.drop(source.image.id);
  snapshots_.drop(source.image);
  frozen_files_.sweep_later();
}

Result<Json> Templates::make(const TemplateWish& wish, const ProgressListener& progress) {
  if (!wish.name.empty()) TRY(check_snapshot_name(wish.name));
  const std::string what = "cannot make a template of " + wish.from;
  const Source source = TRY(find_source(wish.from, progress).within(what));
  Result<> able = refuse_obstacles(source.image);
  Result<SnapshotRecord> made = able ? add(source.image, wish) : able.take_error();
  drop_passing(source);
  if (!made) return std::move(made).within(what).take_error();
  if (wish.warm)
    if (auto warmed = seeds_.get(*made, Seeds::Keep::always, progress); !warmed) {
      snapshots_.drop(*made);
      return std::move(warmed).within(what).take_error();
    }
  node_.events.add(made->aid, "template", "template " + made->id + " of " + wish.from,
                   {{"template", made->id}});
  return describe(*made);
}

Result<Json> Templates::describe(const SnapshotRecord& record) {
  Json document = describe_snapshot(record);
  document["warm"] = record.warm;
  document["memory"] = name_of(seeds_.state(record.id));
  const std::vector<InstanceRecord> instances = TRY(node_.registry.instances());
  document["clones"] = std::ranges::count_if(instances, [&](const InstanceRecord& instance) {
    return is_alive(instance.state) && template_of(instance) == record.id;
  });
  return document;
}

Result<> Templates::refuse_obstacles(const SnapshotRecord& image) {
  if (image.is_template) return {};  // it would not be one
  return refuse(TRY(node_.images.template_obstacles(image.dir)));
}

Result<SnapshotRecord> Templates::add(const SnapshotRecord& from, const TemplateWish& wish) {
  SnapshotRecord record = from;
  record.id = generate_snapshot_id();
  record.name = wish.name;
  record.dir = node_.paths.snapshot_dir(record.id);
  record.owner.clear();
  if (from.owner.empty()) record.parent = from.id;
  record.durable = false;
  record.is_template = true;
  record.warm = wish.warm;
  record.created_ms = unix_time_ms();
  record.complete = true;
  const std::string partial = node_.paths.snapshot_partial(record.id);
  const auto copy = [&]() -> Result<> {
    TRY(make_folders(partial, 0700));
    TRY(node_.images.make_template(from.dir, partial, record.id));
    return publish_folder(partial, record.dir, Durable::later);
  };
  if (Result<> copied = copy(); !copied) {
    (void)remove_tree(partial);
    return copied.take_error();
  }
  // The folder first: whoever finds one that no registry knows takes it in.
  if (Result<> added = node_.registry.add_snapshot(record); !added) {
    (void)remove_tree(record.dir);
    return added.take_error();
  }
  snapshots_.bring_to_disk_later(record.id);
  return record;
}

Result<> Templates::settle() {
  for (const SnapshotRecord& record : TRY(node_.registry.snapshots()))
    if (record.complete && record.warm) seeds_.warm_later(record, Seeds::Keep::always);
  return frozen_files_.settle();
}

Result<SnapshotRecord> Templates::find(const std::string& id) {
  SnapshotRecord record = TRY(node_.registry.snapshot(id));
  if (record.is_template) return record;
  return Error(ErrorClass::not_found, id + " is a snapshot, and no template")
      .hint("appshot template " + id + " makes one of it");
}

Result<Json> Templates::list() {
  Json list = Json::array();
  for (const SnapshotRecord& record : TRY(node_.registry.snapshots()))
    if (record.complete && record.is_template) list.push_back(TRY(describe(record)));
  return Json{{"templates", std::move(list)}};
}

Result<Json> Templates::describe(const std::string& id, bool with_records) {
  const SnapshotRecord record = TRY(find(id));
  Json document = TRY(describe(record));
  if (with_records) document["records"] = TRY(node_.images.records(record.dir));
  return document;
}

Result<Json> Templates::remove(const std::string& id) {
  const SnapshotRecord record = TRY(find(id));
  seeds_.drop(record.id);
  snapshots_.drop(record);
  frozen_files_.sweep_later();
  node_.events.add(record.aid, "template-removed", "template " + record.id + " removed");
  return Json{{"id", record.id}};
}

}  // namespace appshot
