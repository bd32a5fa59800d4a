// Environments: private file worlds that software is installed into and applications run in.
//
// An environment is a list of layers, none of which ever changes: a copy shares them, an instance
// keeps those it was started with, and an installation adds one. A layer goes when no environment,
// instance or snapshot names it any more.
#pragma once

#include <map>
#include <string>

#include "environments/content.h"
#include "environments/layer_store.h"
#include "node/lifecycle.h"
#include "node/node.h"
#include "node/packer.h"
#include "protocol/json.h"

namespace appshot {

// An environment from elsewhere brings its rules along. Those of anybody may lead paths about in
// the environment's own files, but share none of this machine (EXCEPT).
enum class WhoseRules { anybodys, trusted };

class Environments {
 public:
  Environments(Node& node, Lifecycle& lifecycle);

  Result<Json> list();
  Result<Json> describe(const std::string& name);
  // {"name", "from"}. From: "host", the host's files; another environment's name; or, an absolute
  // path, the folder of a root file system, an OCI image layout (FOLDER[:TAG]), or a folder that an
  // environment was exported to, which is used where it is; "allow_public" trusts the last's rules.
  Result<Json> create(const Json& request, const ProgressListener& progress);
  Result<Json> remove(const std::string& name);
  // What the instance has changed, which was started for that and has ended well, becomes a layer.
  // Class conflict when the environment is not what it was then; refused when the program failed.
  Result<Json> keep_changes(const std::string& name, const std::string& aid);

  // One file, from which import makes the environment again; class refused where files are shared.
  Result<> export_to(const std::string& name, const Packer::WriteAll& write);
  Result<Json> import_from(const std::string& name, WhoseRules whose, const Packer::ReadSome& read);
  // As a folder to be shared, or as an OCI image layout: made by the daemon, at an absolute path.
  Result<Json> export_folder(const std::string& name, const std::string& folder,
                             const ProgressListener& progress);
  Result<Json> export_oci(const std::string& name, const std::string& folder,
                          const std::string& tag, const ProgressListener& progress);
  // What its last installation changed, or all of them.
  Result<Json> diff(const std::string& name, bool all);

  // For a launch, while the layers are held: what the request leaves open is as its environment has
  // it, whose name becomes what is kept of it with the instance; and all rules that hold for it
  // become a list, as they were written.
  Result<> prepare_launch(Json& request);
  // From what was kept of it, what the harness needs. Class mismatch: a layer is not here.
  Result<> complete(const Json& spec, HarnessConfig& config) const;

  // Everybody's rules, or those of one environment: the text. Class usage says what is wrong with
  // one that is to be kept, line by line; instances that were started already keep theirs.
  Result<Json> rules(const std::string& name);
  Result<Json> set_rules(const std::string& name, const std::string& text);
  // Where a path goes in it, by which rule, and what is found there; of one of its instances (by
  // its AID), or of any: then variables that differ between them stay names.
  Result<Json> resolve(const std::string& name, const std::string& path, const std::string& aid);

  // Held from before a record's layers are looked up until it is written.
  std::unique_lock<std::mutex> hold_layers() { return std::unique_lock(layers_mutex_); }
  // In the background: removes the layers that nobody names any more, now that that one does not.
  void sweep_if_named(const std::string& spec);
  // At the start of the daemon.
  Result<> settle();

 private:
  struct Found {
    EnvironmentRecord record;
    EnvironmentContent content;
  };
  Result<Found> find(const std::string& name);
  Result<Json> store(const Found& environment, bool is_new);
  std::string folder_of(const LayerFacts& layer) const;
  Result<> write_folder(const Found& environment, const std::string& partial,
                        const ProgressListener& progress);
  Packer::Words words_to_pack(const Found& environment, const std::string& archive) const;
  // With layers that are yet to be published: while they are held, so that nobody takes them for
  // ones that are not needed.
  struct Drafted {
    EnvironmentContent content;
    std::string rules;
    std::map<std::string, LayerStore::Draft> drafts;  // by the ids they will have
    Result<> publish();
  };
  Result<Drafted> draft_from(const std::string& path, WhoseRules whose,
                             const ProgressListener& progress);
  Result<Drafted> copy_tree(const std::string& folder, const ProgressListener& progress);
  Result<Drafted> unpack_oci(const std::string& layout, const ProgressListener& progress);
  Result<Json> all_rules(const std::string& environment);
  Result<> prepare_environment(const std::string& name, Json& request);
  Result<std::vector<std::string>> users_of(const std::string& name);
  void sweep_layers();
  Result<> remove_unnamed_layers();

  Node& node_;
  Lifecycle& lifecycle_;
  LayerStore layers_;
  std::mutex layers_mutex_;
};

}  // namespace appshot
