#include "packing/arguments.h"

#include <algorithm>

#include "base/decimal.h"
#include "os/file.h"
#include "packing/budget.h"

namespace appshot::packing {
namespace {

constexpr size_t kMany = 1000;

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands{
      {"copy-tree", "FROM TARGET", 2, 2, {"--max-bytes", "--max-entries", "--root"}, copy_tree},
      {"unpack-oci",
       "LAYOUT[:TAG] TARGET",
       2,
       2,
       {"--max-bytes", "--max-entries", "--allow-devices!"},
       unpack_oci},
      {"pack-oci", "OUTDIR LAYER-ROOT…", 2, kMany, {"--tag", "--config"}, pack_oci},
      {"pack", "FILE|- LAYER-DIR…", 1, kMany, {"--document"}, pack_environment},
      {"unpack", "FILE|- TARGET", 2, 2, {"--max-bytes", "--max-entries"}, unpack_environment},
      {"digest", "LAYER-DIR", 1, 1, {}, digest_layer},
      {"changes", "LAYER-DIR…", 1, kMany, {"--below"}, list_changes},
  };
  return kCommands;
}

const Command* command_of(std::string_view name) {
  for (const Command& command : commands())
    if (command.name == name) return &command;
  return nullptr;
}

Result<Arguments> parse_arguments(const Command& command, const std::vector<std::string>& words) {
  auto usage = [&](const std::string& what) {
    return Error(ErrorClass::usage, what)
        .hint(std::string("appshot-packer ") + command.name + " " + command.usage);
  };
  Arguments arguments;
  auto knows = [&](const std::string& option) {
    return std::find(command.options.begin(), command.options.end(), option) !=
           command.options.end();
  };
  bool only_words = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (only_words || !word.starts_with("--")) {
      arguments.words.push_back(word);
    } else if (word == "--") {
      only_words = true;
    } else if (knows(word + "!")) {
      arguments.options[word] = "";
    } else if (!knows(word)) {
      return usage("unknown option " + word);
    } else if (++i == words.size()) {
      return usage(word + " needs a value");
    } else {
      arguments.options[word] = words[i];
    }
  }
  if (arguments.words.size() < command.words_min || arguments.words.size() > command.words_max)
    return usage("wrong number of arguments");
  return arguments;
}

Result<Json> document_of(const Arguments& arguments, const std::string& option) {
  std::string text = arguments.value(option, "{}");
  if (text.starts_with('@')) text = TRY(read_file(text.substr(1)));
  return parse_json(text).within(option);
}

Result<Limits> limits_of(const Arguments& arguments, const std::string& folder) {
  Limits limits{0, kEntriesMax};
  auto number = [&](const char* option, uint64_t& into) -> Result<> {
    const std::optional<uint64_t> value = parse_decimal(arguments.value(option));
    if (!value) return Error(ErrorClass::usage, std::string(option) + " takes a number");
    into = *value;
    return {};
  };
  if (arguments.has("--max-entries")) TRY(number("--max-entries", limits.entries));
  if (arguments.has("--max-bytes")) {
    TRY(number("--max-bytes", limits.bytes));
  } else {
    limits.bytes = TRY(bytes_free_at(folder));
  }
  return limits;
}

}  // namespace appshot::packing
