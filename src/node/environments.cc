#include "node/environments.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "environments/gather.h"
#include "isolation/public_path.h"
#include "node/log.h"
#include "os/fault.h"
#include "rules/parse.h"

namespace appshot {
namespace {

// In the spec of an instance or a snapshot.
constexpr char kSpec[] = "environment";
constexpr char kUsualPath[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool is_there(const std::string& folder) { return ::access(folder.c_str(), F_OK) == 0; }

std::set<std::string> layers_in(const std::string& spec) {
  Result<Json> parsed = parse_json(spec);
  if (!parsed) return {};
  const std::vector<std::string> ids = strings_at(field(*parsed, kSpec), "layers");
  return {ids.begin(), ids.end()};
}

std::string environment_in(const std::string& spec) {
  Result<Json> parsed = parse_json(spec);
  return parsed ? string_at(field(*parsed, kSpec), "name") : "";
}

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

// As people write it; only to be read by them.
std::string command_of(const InstanceRecord& instance) {
  Result<Json> spec = parse_json(instance.spec);
  return spec ? joined(strings_at(*spec, "argv"), " ") : "";
}

// On which something was mounted while it ran. The resolver's files are lent to whom has none.
std::vector<std::string> places_in(const InstanceRecord& instance) {
  std::vector<std::string> places{"/etc/resolv.conf", "/etc/hosts"};
  const Result<Json> spec = parse_json(instance.spec);
  if (!spec) return places;
  for (const std::string& text : strings_at(*spec, "public_paths"))
    if (const Result<PublicPath> shown = parse_public_path(text)) places.push_back(shown->path);
  return places;
}

Result<> check_ended_well(const InstanceRecord& installer) {
  if (is_alive(installer.state) || installer.state == InstanceState::asleep)
    return Error(ErrorClass::conflict, installer.aid + " has not ended")
        .hint("appshot attach " + installer.aid);
  const bool well = installer.wait_status && WIFEXITED(*installer.wait_status) &&
                    WEXITSTATUS(*installer.wait_status) == 0;
  if (well) return {};
  return Error(ErrorClass::conflict, installer.aid + " has failed: " + installer.why);
}

// In a world without the host's files the caller's variables and folder mean nothing.
void fill_in(const EnvironmentContent& content, Json& request) {
  const Json& program = content.program;
  const std::vector<std::string> given = strings_at(request, "set_env");
  if (strings_at(request, "argv").empty()) {
    std::vector<std::string> argv = strings_at(program, "Entrypoint");
    for (const std::string& word : strings_at(program, "Cmd")) argv.push_back(word);
    request["argv"] = argv;
  }
  if (string_at(request, "user").empty()) request["user"] = string_at(program, "User");
  const std::string here =
      content.own_root ? string_at(program, "WorkingDir") : string_at(request, "here");
  if (string_at(request, "cwd").empty()) request["cwd"] = here.empty() ? "/" : here;
  if (!content.own_root) return;
  std::vector<std::string> env = strings_at(program, "Env");
  if (std::ranges::none_of(env, [](const std::string& one) { return one.starts_with("PATH="); }))
    env.push_back(kUsualPath);
  for (const std::string& one : strings_at(request, "env"))
    if (one.starts_with("TERM=")) env.push_back(one);
  for (const std::string& one : given) {
    const std::string key = one.substr(0, one.find('=') + 1);
    std::erase_if(env, [&](const std::string& old) { return old.starts_with(key); });
    env.push_back(one);
  }
  request["env"] = env;
}

}  // namespace

Environments::Environments(Node& node, Lifecycle& lifecycle)
    : node_(node), lifecycle_(lifecycle), layers_(node.paths.layers()) {
  lifecycle_.when_purged([this](const InstanceRecord& purged) { sweep_if_named(purged.spec); });
}

Result<Environments::Found> Environments::find(const std::string& name) {
  Found found{TRY(node_.registry.environment(name)), {}};
  found.content = TRY(content_from_json(TRY(parse_json(found.record.content))).within(name));
  return found;
}

std::string Environments::folder_of(const LayerFacts& layer) const {
  return layer.folder.empty() ? layers_.files_of(layer.id) : layer.folder;
}

Result<std::vector<std::string>> Environments::users_of(const std::string& name) {
  std::vector<std::string> aids;
  for (const InstanceRecord& instance : TRY(node_.registry.instances()))
    if (environment_in(instance.spec) == name) aids.push_back(instance.aid);
  return aids;
}

Result<Json> Environments::list() {
  Json list = Json::array();
  for (const EnvironmentRecord& record : TRY(node_.registry.environments()))
    list.push_back(TRY(describe(record.name)));
  return Json{{"environments", std::move(list)}};
}

Result<Json> Environments::describe(const std::string& name) {
  const Found found = TRY(find(name));
  Json document = content_to_json(found.content);
  document["name"] = name;
  document["created_ms"] = found.record.created_ms;
  document["changed_ms"] = found.record.changed_ms;
  document["age_ms"] = unix_time_ms() - found.record.created_ms;
  document["bytes"] = found.content.bytes();
  document["rules"] = found.record.rules;
  document["instances"] = TRY(users_of(name));
  return document;
}

Result<Json> Environments::store(const Found& environment, bool is_new) {
  EnvironmentRecord record = environment.record;
  record.content = json_text(content_to_json(environment.content));
  record.changed_ms = unix_time_ms();
  if (is_new) record.created_ms = record.changed_ms;
  TRY(is_new ? node_.registry.add_environment(record) : node_.registry.update_environment(record));
  return describe(record.name);
}

Result<Json> Environments::create(const Json& request, const ProgressListener& progress) {
  const std::string name = string_at(request, "name"), from = string_at(request, "from", "host");
  TRY(check_environment_name(name));
  if (node_.registry.environment(name))
    return Error(ErrorClass::conflict, "an environment " + name + " exists already")
        .hint("choose another name, or remove that one: appshot env rm " + name);
  Drafted drafted;
  if (from.starts_with('/')) {
    const WhoseRules whose =
        bool_at(request, "allow_public") ? WhoseRules::trusted : WhoseRules::anybodys;
    drafted = TRY(draft_from(from, whose, progress));
  }
  auto held = hold_layers();
  Found made{{}, drafted.content};
  made.record.rules = drafted.rules;
  if (!from.starts_with('/') && from != "host") made = TRY(find(from));
  TRY(drafted.publish());
  made.record.name = name;
  Json stored = TRY(store(made, true));
  node_.events.add("", "environment-created", "environment " + name + ": created from " + from);
  return stored;
}

Result<Json> Environments::remove(const std::string& name) {
  auto held = hold_layers();
  const Found found = TRY(find(name));
  if (const std::vector<std::string> users = TRY(users_of(name)); !users.empty())
    return Error(ErrorClass::conflict, "cannot remove the environment " + name + ": " +
                                           joined(users, ", ") +
                                           (users.size() == 1 ? " runs in it" : " run in it"))
        .hint("remove first what was started in it: appshot rm " + joined(users, " "));
  TRY(node_.registry.remove_environment(name));
  held.unlock();
  node_.events.add("", "environment-removed", "environment " + name + ": removed");
  sweep_layers();
  return Json{{"name", name}};
}

Result<Json> Environments::keep_changes(const std::string& name, const std::string& aid) {
  Operation operation = TRY(lifecycle_.begin(aid, "install"));
  const InstanceRecord installer = TRY(node_.registry.instance(operation.aid()));
  const std::string whole = "cannot keep what " + installer.aid + " has installed";
  if (environment_in(installer.spec) != name)
    return Error(ErrorClass::conflict, whole + ": it was not started in the environment " + name);
  TRY(check_ended_well(installer).within(whole));
  LayerStore::Draft draft = TRY(layers_.draft());
  const std::string lived = node_.paths.instance_state(installer.aid) + "/layers";
  const bool changed =
      TRY(gather_changes(lived, draft.files(), places_in(installer)).within(whole));
  TRY(fault_point("environment.gathered"));
  const LayerFacts layer{generate_layer_id(), command_of(installer), "", unix_time_ms(),
                         changed ? TRY(bytes_of_tree(draft.files())) : 0};

  auto held = hold_layers();
  Found found = TRY(find(name));
  const std::vector<std::string> ids = found.content.layer_ids();
  if (std::set<std::string>(ids.begin(), ids.end()) != layers_in(installer.spec))
    return Error(ErrorClass::conflict,
                 whole + ": the environment " + name + " was changed by something else meanwhile")
        .hint("install again");
  if (changed) {
    TRY(draft.publish(layer.id).within(whole));
    TRY(fault_point("environment.published"));
    found.content.layers.push_back(layer);
    TRY(store(found, false));
    TRY(fault_point("environment.stored"));
    node_.events.add("", "environment-changed",
                     "environment " + name + ": " + layer.what + " has been installed");
  }
  held.unlock();
  Json kept = TRY(describe(name));
  kept["added"] = changed;
  kept["added_bytes"] = layer.bytes;
  return kept;
}

// What an image says of its program holds where the request says nothing.
Result<> Environments::prepare_environment(const std::string& name, Json& request) {
  const Found found = TRY(find(name));
  Json folders = Json::object();
  for (const LayerFacts& layer : found.content.layers) {
    if (!is_there(folder_of(layer)))
      return Error(ErrorClass::corrupt, "the environment " + name + " lacks its layer " + layer.id +
                                            ": there is no " + folder_of(layer))
          .hint("import it again: appshot env import");
    if (!layer.folder.empty()) folders[layer.id] = layer.folder;
  }
  request["environment"] = {{"name", name},
                            {"base", found.content.own_root ? "own" : "host"},
                            {"layers", found.content.layer_ids()},
                            {"folders", std::move(folders)}};
  fill_in(found.content, request);
  if (strings_at(request, "argv").empty())
    return Error(ErrorClass::usage, "no program to run")
        .hint("the environment " + name + " names none of its own");
  return {};
}

Result<> Environments::prepare_launch(Json& request) {
  const std::string name = string_at(request, "environment"), own = string_at(request, "rules");
  if (!name.empty()) TRY(prepare_environment(name, request));
  request["rules"] = TRY(all_rules(name));
  if (own.empty()) return {};
  const std::string source = string_at(request, "rules_name", "rules");
  TRY(rules::parse(own, source));
  request["rules"].push_back({{"source", source}, {"text", own}});
  return {};
}

Result<> Environments::complete(const Json& spec, HarnessConfig& config) const {
  const Json& environment = field(spec, kSpec);
  if (environment.is_null()) return {};
  config.environment = environment;
  for (const std::string& id : strings_at(environment, "layers")) {
    const std::string shared = string_at(field(environment, "folders"), id.c_str());
    const std::string folder = shared.empty() ? layers_.files_of(id) : shared;
    if (!is_there(folder))
      return Error(ErrorClass::mismatch, "its environment " + string_at(environment, "name") +
                                             " is not on this node: the layer " + id +
                                             " is missing")
          .hint("bring it here: appshot env export there, appshot env import here");
    config.layers.push_back(folder);
  }
  return {};
}

void Environments::sweep_if_named(const std::string& spec) {
  if (!layers_in(spec).empty()) sweep_layers();
}

void Environments::sweep_layers() {
  lifecycle_.background().run([this] {
    if (Result<> swept = remove_unnamed_layers(); !swept)
      log_warning(std::move(swept).within("layers that nobody needs").error().message());
  });
}

Result<> Environments::remove_unnamed_layers() {
  auto held = hold_layers();
  std::set<std::string> named;
  for (const EnvironmentRecord& record : TRY(node_.registry.environments()))
    for (const std::string& id :
         TRY(content_from_json(TRY(parse_json(record.content)))).layer_ids())
      named.insert(id);
  for (const InstanceRecord& record : TRY(node_.registry.instances()))
    named.merge(layers_in(record.spec));
  for (const SnapshotRecord& record : TRY(node_.registry.snapshots()))
    named.merge(layers_in(record.spec));
  for (const std::string& id : TRY(layers_.list()))
    if (!named.contains(id)) TRY(layers_.remove(id));
  return {};
}

Result<> Environments::settle() {
  TRY(layers_.remove_drafts());
  return remove_unnamed_layers();
}

}  // namespace appshot
