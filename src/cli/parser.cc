// From words to options. Only this and grammar.cc include CLI11.
#include "cli/parser.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>
#include <optional>

#include "cli/grammar.h"

namespace appshot {
namespace {

constexpr std::array kGroups{std::pair{"env", "Environments: private file worlds"}};

std::vector<std::string> words_of(const std::string& name) {
  const size_t space = name.find(' ');
  if (space == std::string::npos) return {name};
  return {name.substr(0, space), name.substr(space + 1)};
}

CLI::App& group(CLI::App& app, const std::string& name) {
  for (CLI::App* known : app.get_subcommands({}))
    if (known->get_name() == name) return *known;
  const auto* described =
      std::ranges::find(kGroups, name, &std::pair<const char*, const char*>::first);
  CLI::App* made = app.add_subcommand(name, described == kGroups.end() ? "" : described->second);
  made->require_subcommand(1);
  return *made;
}

CLI::App* find_command(CLI::App& app, const std::string& name) {
  CLI::App* found = &app;
  for (const std::string& word : words_of(name)) found = found->get_subcommand(word);
  return found;
}

void add_command(CLI::App& app, const Command& command, Options& options) {
  const std::vector<std::string> words = words_of(command.name);
  CLI::App& parent = words.size() == 1 ? app : group(app, words.front());
  CLI::App* sub = parent.add_subcommand(words.back(), command.help);
  command.setup(*sub, options);
  sub->add_option("--timeout", options.timeout_s, "Give up after so many seconds")
      ->check([](const std::string& text) {
        return !text.empty() && text[0] != '-' ? "" : "a timeout is not negative";
      });
}

// Whether "-x" or "--xyz" is followed by a value of its own; "-itw" ends in the one that counts.
bool takes_next(const CLI::App& sub, const std::string& token) {
  if (token.starts_with("--")) {
    if (token.find('=') != std::string::npos) return false;
    const CLI::Option* option = sub.get_option_no_throw(token);
    return option != nullptr && option->get_items_expected_max() > 0;
  }
  for (size_t i = 1; i < token.size(); ++i) {
    const CLI::Option* option = sub.get_option_no_throw(std::string("-") + token[i]);
    if (option != nullptr && option->get_items_expected_max() > 0) return i + 1 == token.size();
  }
  return false;
}

// Where the user's program begins, which no option of ours may be read from: after `positionals`
// words that are not options, or after "--".
size_t program_begin(const CLI::App& sub, const std::vector<std::string>& arguments,
                     size_t command_words, int positionals) {
  for (size_t i = command_words; i < arguments.size(); ++i) {
    const std::string& token = arguments[i];
    if (token == "--") return i;
    if (token.size() > 1 && token[0] == '-') {
      if (takes_next(sub, token)) ++i;
    } else if (positionals-- == 0) {
      return i;
    }
  }
  return arguments.size();
}

bool runs_program(const std::string& command) {
  return command == "run" || command == "exec" || command == "env install" || command == "env exec";
}

// The program's words, taken off the arguments.
std::vector<std::string> cut_program(const CLI::App& sub, const std::string& command,
                                     std::vector<std::string>& arguments) {
  if (!runs_program(command)) return {};
  const size_t words = words_of(command).size();
  size_t begin = program_begin(sub, arguments, words, command == "run" ? 0 : 1);
  std::vector<std::string> program(arguments.begin() + static_cast<ptrdiff_t>(begin),
                                   arguments.end());
  arguments.resize(begin);
  if (!program.empty() && program.front() == "--") program.erase(program.begin());
  // exec -- AID CMD: the separator came before the instance.
  bool lacks_aid = command != "run" && !program.empty();
  for (size_t i = words; lacks_aid && i < arguments.size(); ++i) {
    if (arguments[i][0] != '-') lacks_aid = false;
    if (takes_next(sub, arguments[i])) ++i;
  }
  if (lacks_aid) {
    arguments.push_back(program.front());
    program.erase(program.begin());
  }
  return program;
}

Printed printed(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    bool version = dynamic_cast<const CLI::CallForVersion*>(&error) != nullptr;
    const CLI::App* shown = &app;
    while (!shown->get_subcommands().empty()) shown = shown->get_subcommands().front();
    return {version ? std::string(error.what()) + "\n" : shown->help(), 0};
  }
  return {"appshot: " + std::string(error.what()) + "\n  hint: appshot --help\n", 2};
}

}  // namespace

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  return names;
}

std::vector<std::string> option_names(const std::string& command) {
  Options options;
  CLI::App app;
  for (const Command& known : commands())
    if (command == known.name) add_command(app, known, options);
  std::vector<std::string> names;
  for (const CLI::Option* option : find_command(app, command)->get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::variant<Options, Printed> parse_command_line(const std::vector<std::string>& given) {
  Options options;
  CLI::App app("Snapshot, restore and isolate running Linux applications", "appshot");
  app.set_version_flag("--version", "appshot " APPSHOT_VERSION);
  app.require_subcommand(1);
  std::vector<std::string> arguments = given;
  auto asked = std::find_if(commands().begin(), commands().end(), [&](const Command& command) {
    const std::vector<std::string> words = words_of(command.name);
    return arguments.size() >= words.size() &&
           std::equal(words.begin(), words.end(), arguments.begin());
  });
  if (asked == commands().end()) {
    for (const Command& command : commands()) add_command(app, command, options);
  } else {
    add_command(app, *asked, options);
    options.command = asked->name;
    const CLI::App& sub = *find_command(app, options.command);
    options.argv = cut_program(sub, options.command, arguments);
  }
  try {
    std::vector<std::string> program = std::move(options.argv);
    std::reverse(arguments.begin(), arguments.end());
    app.parse(std::move(arguments));
    options.argv = std::move(program);
  } catch (const CLI::ParseError& error) {
    return printed(app, error);
  }
  // An environment may name one of its own.
  const bool may_lack_one = options.command == "run" && !options.environment.empty();
  const bool needs_program = runs_program(options.command) && !may_lack_one;
  if (needs_program && options.argv.empty())
    return Printed{"appshot: no program to run\n  hint: appshot " + options.command + " --help\n",
                   2};
  return options;
}

}  // namespace appshot
