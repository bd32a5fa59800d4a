// Makes the manifest of an image tell other facts than those of this machine, and its checksum fit:
// edit_image FOLDER EDIT…
//
//   architecture=NAME  kernel=NAME  page_size=N  vdso_hash=N    the fact itself
//   cpu_feature=NAME  xstate_bit=N                              one more that the image needs
//   hard_limit=RESOURCE:N                                       of every process
//   size=PATH  mtime=PATH  build_id=PATH  name=PATH             of a mapped file: another than it
//   has
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#include "image/format.h"
#include "image/manifest.h"

namespace appshot {
namespace {

uint64_t number(const std::string& text) { return std::strtoull(text.c_str(), nullptr, 0); }

using Edit = std::function<bool(image::ImageT&, const std::string&)>;

Edit file_edit(const std::function<void(image::FileNameT&)>& change) {
  return [change](image::ImageT& image, const std::string& path) {
    bool found = false;
    for (auto& file : image.mapped_files) {
      if (file->path != path) continue;
      change(*file);
      found = true;
    }
    return found;
  };
}

Edit machine_edit(const std::function<void(image::MachineT&, const std::string&)>& change) {
  return [change](image::ImageT& image, const std::string& value) {
    change(*image.machine, value);
    return true;
  };
}

bool set_hard_limit(image::ImageT& image, const std::string& value) {
  auto resource = static_cast<int>(number(value));
  bool found = false;
  for (auto& process : image.processes)
    for (auto& limit : process->limits) {
      if (limit->resource != resource) continue;
      limit->hard = number(value.substr(value.find(':') + 1));
      found = true;
    }
  return found;
}

const std::map<std::string, Edit>& edits() {
  using image::FileNameT;
  using image::MachineT;
  static const std::map<std::string, Edit> all = {
      {"architecture", machine_edit([](MachineT& m, auto& v) { m.architecture = v; })},
      {"kernel", machine_edit([](MachineT& m, auto& v) { m.kernel = v; })},
      {"page_size",
       machine_edit([](MachineT& m, auto& v) { m.page_size = static_cast<uint32_t>(number(v)); })},
      {"vdso_hash", machine_edit([](MachineT& m, auto& v) { m.vdso_hash = number(v); })},
      {"cpu_feature", machine_edit([](MachineT& m, auto& v) { m.cpu_features.push_back(v); })},
      {"xstate_bit",
       machine_edit([](MachineT& m, auto& v) { m.xstate_mask |= 1ULL << number(v); })},
      {"hard_limit", set_hard_limit},
      {"size", file_edit([](FileNameT& file) { file.size += 1; })},
      {"mtime", file_edit([](FileNameT& file) {
         *file.mtime = image::Time(file.mtime->sec() - 1, file.mtime->nsec());
       })},
      {"build_id", file_edit([](FileNameT& file) { file.build_id.front() ^= 1; })},
      {"name", file_edit([](FileNameT& file) { file.path += ".gone"; })}};
  return all;
}

Result<> edit(const std::string& folder, int count, char** words) {
  image::ImageT image = TRY(image::read_manifest(folder));
  for (int i = 0; i < count; ++i) {
    std::string word(words[i]);
    size_t equals = word.find('=');
    auto found = edits().find(word.substr(0, equals));
    if (equals == std::string::npos || found == edits().end() ||
        !found->second(image, word.substr(equals + 1)))
      return Error(ErrorClass::usage, "cannot do: " + word);
  }
  ::unlink((folder + "/" + image::kManifestName).c_str());
  return image::write_manifest(folder, image);
}

}  // namespace
}  // namespace appshot

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("usage: edit_image FOLDER EDIT...\n", stderr), 2;
  appshot::Result<> edited = appshot::edit(argv[1], argc - 2, argv + 2);
  if (edited) return 0;
  std::fprintf(stderr, "edit_image: %s\n", edited.error().message().c_str());
  return 1;
}
