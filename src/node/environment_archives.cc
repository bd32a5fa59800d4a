// Environments from elsewhere, and to elsewhere.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "environments/gather.h"
#include "node/environments.h"
#include "os/fault.h"
#include "os/file.h"
#include "rules/parse.h"

namespace appshot {
namespace {

constexpr char kDocument[] = "/environment.json";  // of an exported folder
constexpr int kDocumentVersion = 1;

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool is_oci_layout(const std::string& path) {
  return ::access((path + "/oci-layout").c_str(), F_OK) == 0;
}

// FOLDER of FOLDER:TAG.
std::string without_tag(const std::string& path) {
  const size_t colon = path.find_last_of(':');
  return is_folder(path) || colon == std::string::npos || path.find('/', colon) != std::string::npos
             ? path
             : path.substr(0, colon);
}

Json document_of(const EnvironmentRecord& record, const EnvironmentContent& content) {
  Json document = content_to_json(content);
  for (Json& layer : document["layers"]) layer["folder"] = "";
  return {{"version", kDocumentVersion},
          {"name", record.name},
          {"rules", record.rules},
          {"content", std::move(document)}};
}

struct Described {
  std::string name, rules;
  EnvironmentContent content;
};

Result<Described> described_by(const Json& document, WhoseRules whose) {
  if (int_at(document, "version") != kDocumentVersion)
    return Error(ErrorClass::mismatch, "this is an environment of another version of appshot");
  Described described{string_at(document, "name"), string_at(document, "rules"),
                      TRY(content_from_json(field(document, "content")))};
  Result<rules::Rules> parsed = rules::parse(described.rules, "its rules");
  if (!parsed) return parsed.take_error().as(ErrorClass::corrupt);
  if (!parsed->exceptions.empty() && whose == WhoseRules::anybodys)
    return Error(ErrorClass::refused, "its rules share " + parsed->exceptions.front().path +
                                          " of this machine with its programs")
        .hint("if you trust who has written them: --allow-public");
  for (const LayerFacts& layer : described.content.layers)
    if (!layer.folder.empty())
      return Error(ErrorClass::corrupt,
                   "it names a folder of this machine, " + layer.folder + ", as one of its layers");
  return described;
}

// All that a layer has lies below its root; what lies beside it would be lost.
Result<> move_root(const std::string& from, const std::string& to) {
  TRY_SYS(::rename((from + "/root").c_str(), to.c_str()));
  const std::vector<std::string> left = TRY(list_folder(from));
  if (left.empty()) return {};
  return Error(ErrorClass::corrupt, "a layer has '" + left.front() + "' beside its root");
}

// A folder that is made elsewhere, and appears when it is whole.
Result<> check_new(const std::string& folder) {
  if (!folder.starts_with('/'))
    return Error(ErrorClass::usage, "the path of a folder must be absolute");
  if (::access(folder.c_str(), F_OK) != 0) return {};
  return Error(ErrorClass::conflict, folder + " is there already").hint("give a new folder");
}

}  // namespace

Result<> Environments::Drafted::publish() {
  for (auto& [id, draft] : drafts) TRY(draft.publish(id));
  return {};
}

Result<Environments::Drafted> Environments::draft_from(const std::string& path, WhoseRules whose,
                                                       const ProgressListener& progress) {
  const std::string folder = without_tag(path);
  if (!is_folder(folder))
    return Error(ErrorClass::not_found, "there is no folder " + folder)
        .hint("an environment is made from host, another environment, or a folder");
  if (is_oci_layout(folder)) return unpack_oci(path, progress);
  if (::access((folder + kDocument).c_str(), F_OK) != 0) return copy_tree(folder, progress);
  Described described =
      TRY(described_by(TRY(parse_json(TRY(read_file(folder + kDocument)))), whose));
  Drafted shared{std::move(described.content), std::move(described.rules), {}};
  for (LayerFacts& layer : shared.content.layers)
    layer.folder = folder + "/layers/" + layer.id + "/root";
  return shared;
}

Result<Environments::Drafted> Environments::copy_tree(const std::string& folder,
                                                      const ProgressListener& progress) {
  LayerStore::Draft draft = TRY(layers_.draft());
  const Json copied = TRY(Packer::run({"copy-tree", folder, draft.folder()}, progress));
  TRY(fault_point("environment.copied"));
  Drafted drafted;
  drafted.content.own_root = true;
  const std::string id = generate_layer_id();
  drafted.content.layers.push_back(
      {id, "copied from " + folder, "", unix_time_ms(), int_at(copied, "bytes")});
  drafted.drafts.emplace(id, std::move(draft));
  return drafted;
}

Result<Environments::Drafted> Environments::unpack_oci(const std::string& layout,
                                                       const ProgressListener& progress) {
  const LayerStore::Draft all = TRY(layers_.draft());
  const Json unpacked = TRY(Packer::run({"unpack-oci", layout, all.folder()}, progress));
  TRY(fault_point("environment.copied"));
  Drafted drafted;
  drafted.content.own_root = true;
  drafted.content.program = field(unpacked, "config");
  for (const Json& layer : field(unpacked, "layers")) {
    LayerStore::Draft draft = TRY(layers_.draft());
    const std::string from = all.folder() + "/" + string_at(layer, "folder") + "/root";
    TRY_SYS(::rename(from.c_str(), draft.files().c_str()));
    const std::string id = generate_layer_id();
    drafted.content.layers.push_back({id, string_at(layer, "diff_id") + " of " + layout, "",
                                      unix_time_ms(), int_at(layer, "bytes")});
    drafted.drafts.emplace(id, std::move(draft));
  }
  return drafted;
}

Packer::Words Environments::words_to_pack(const Found& environment,
                                          const std::string& archive) const {
  Packer::Words words{"pack", archive};
  for (const LayerFacts& layer : environment.content.layers) {
    const std::string files = folder_of(layer);
    words.push_back(files.substr(0, files.find_last_of('/')));
  }
  words.insert(words.end(),
               {"--document", json_text(document_of(environment.record, environment.content))});
  return words;
}

Result<> Environments::export_to(const std::string& name, const Packer::WriteAll& write) {
  return Packer::write(words_to_pack(TRY(find(name)), "-"), write).within("environment " + name);
}

Result<Json> Environments::import_from(const std::string& name, WhoseRules whose,
                                       const Packer::ReadSome& read) {
  if (!name.empty()) TRY(check_environment_name(name));
  LayerStore::Draft all = TRY(layers_.draft());
  const Json unpacked = TRY(Packer::read({"unpack", "-", all.folder()}, read));
  TRY(fault_point("environment.unpacked"));
  const Described described = TRY(described_by(field(unpacked, "document"), whose));
  const Json& folders = field(unpacked, "layers");
  if (folders.size() != described.content.layers.size())
    return Error(ErrorClass::corrupt, "the export does not hold the layers that it names");
  auto held = hold_layers();
  Found made;
  made.record.name = name.empty() ? described.name : name;
  TRY(check_environment_name(made.record.name));
  made.record.rules = described.rules;
  made.content = described.content;
  for (size_t i = 0; i < folders.size(); ++i) {
    LayerFacts& layer = made.content.layers[i];
    const std::string folder = all.folder() + "/" + string_at(folders[i], "folder");
    // One that is here already under that id is the same, or has it by somebody's ill will.
    if (layers_.has(layer.id)) {
      const std::string here = layers_.files_of(layer.id);
      const Json digest = TRY(Packer::run({"digest", here.substr(0, here.find_last_of('/'))}));
      if (string_at(digest, "digest") == string_at(folders[i], "digest")) continue;
      layer.id = generate_layer_id();
    }
    LayerStore::Draft draft = TRY(layers_.draft());
    TRY(move_root(folder, draft.files()));
    layer.bytes = TRY(bytes_of_tree(draft.files()));
    TRY(draft.publish(layer.id));
  }
  Json stored = TRY(store(made, true));
  held.unlock();
  node_.events.add("", "environment-created", "environment " + made.record.name + ": imported");
  return stored;
}

Result<> Environments::write_folder(const Found& found, const std::string& partial,
                                    const ProgressListener& progress) {
  TRY(make_folders(partial));
  // By way of a file, since only exports hold what overlays mean by their marks.
  const std::string archive = partial + "/archive", layers = partial + "/layers";
  TRY(Packer::run(words_to_pack(found, archive), progress));
  const Json unpacked = TRY(Packer::run({"unpack", archive, layers}, progress));
  TRY_SYS(::unlink(archive.c_str()));
  for (size_t i = 0; i < found.content.layers.size(); ++i) {
    const std::string from = layers + "/" + string_at(field(unpacked, "layers")[i], "folder");
    TRY_SYS(::rename(from.c_str(), (layers + "/" + found.content.layers[i].id).c_str()));
  }
  for (const std::string& shown : {partial, layers}) TRY_SYS(::chmod(shown.c_str(), 0755));
  TRY(write_file(partial + kDocument, document_of(found.record, found.content).dump(2) + "\n",
                 O_CREAT));
  TRY_SYS(::chmod((partial + kDocument).c_str(), 0644));
  return {};
}

Result<Json> Environments::export_folder(const std::string& name, const std::string& folder,
                                         const ProgressListener& progress) {
  TRY(check_new(folder));
  const Found found = TRY(find(name));
  const std::string partial = folder + ".partial";
  TRY(remove_tree(partial));  // of one that was killed
  Result<> written = write_folder(found, partial, progress);
  if (written) written = publish_folder(partial, folder, Durable::later);
  if (!written) (void)!remove_tree(partial);  // what failed is told, and the disk may be full
  TRY(std::move(written));
  return Json{{"name", name}, {"folder", folder}};
}

Result<Json> Environments::export_oci(const std::string& name, const std::string& folder,
                                      const std::string& tag, const ProgressListener& progress) {
  TRY(check_new(folder));
  const Found found = TRY(find(name));
  if (!found.content.own_root)
    return Error(ErrorClass::refused, "the environment " + name +
                                          " lies over this host's files, which an image would lack")
        .hint("appshot env export " + name + " FILE writes what it has of its own");
  Packer::Words words{"pack-oci", folder};
  for (const LayerFacts& layer : found.content.layers) words.push_back(folder_of(layer));
  words.insert(words.end(), {"--tag", tag.empty() ? "latest" : tag});
  if (!found.content.program.empty())
    words.insert(words.end(), {"--config", json_text(found.content.program)});
  TRY(Packer::run(words, progress));
  return Json{{"name", name}, {"folder", folder}};
}

Result<Json> Environments::diff(const std::string& name, bool all) {
  const Found found = TRY(find(name));
  const std::vector<LayerFacts>& layers = found.content.layers;
  Json list = Json::array();
  Packer::Words words{"changes"};
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string files = folder_of(layers[i]);
    words.push_back(files.substr(0, files.find_last_of('/')));
    // What a world begins with is no change of it.
    const bool is_base = found.content.own_root && i == 0;
    if (is_base || (!all && i + 1 < layers.size())) continue;
    Json changes = Json::array();
    Packer::Words asked = words;
    if (!found.content.own_root) asked.insert(asked.end(), {"--below", "/"});
    TRY(Packer::run(asked, {},
                    [&](const Json& line) { changes.push_back(field(line, "change")); }));
    list.push_back({{"layer", layers[i].id}, {"what", layers[i].what}, {"changes", changes}});
  }
  return Json{{"name", name}, {"layers", std::move(list)}};
}

}  // namespace appshot
