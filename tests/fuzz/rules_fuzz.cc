// Any bytes at all as rules: refused with a message that can be shown, or rules that print and
// parse to the same; and whatever variables are, no path of what they evaluate to leads elsewhere
// than it says. An input is two texts, an application id and a variable of the environment, with a
// NUL between one and the next.
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz_target.h"
#include "rules/evaluate.h"
#include "rules/match.h"
#include "rules/parse.h"
#include "rules/path.h"
#include "rules/quote.h"
#include "rules/resolve.h"

namespace {

using appshot::require;
using appshot::Result;
using namespace appshot::rules;

void require_shown(std::string_view message) {
  while (!message.empty()) {
    const size_t length = printable_length(message);
    require(length > 0 || message[0] == '\n' || message[0] == '\t', "a message can be shown");
    message.remove_prefix(length > 0 ? length : 1);
  }
}

// Not by the code that is tried.
bool leads_where_it_says(const std::string& path) {
  if (path == "/") return true;
  if (path.empty() || path[0] != '/' || path.size() > 4095) return false;
  for (size_t begin = 1; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    if (name.empty() || name == "." || name == ".." || name.find('\0') != std::string::npos)
      return false;
    begin = end + 1;
  }
  return true;
}

bool below(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder + "/");
}

void try_way(const Evaluated& evaluated, const std::string& path) {
  const Resolution resolution = resolve(evaluated, path);
  require(leads_where_it_says(resolution.path), "what a path resolves to is a path");
  require(resolution.steps.size() <= 2, "redirections do not follow one another");
  std::optional<std::string> name = public_name(evaluated, resolution.path);
  require(name.has_value(), "what can be reached has a name");
  require(resolve(evaluated, *name).path == resolution.path, "the name leads there");
}

void try_evaluated(const Evaluated& evaluated) {
  for (const EvaluatedRedirection& redirection : evaluated.redirections) {
    require(leads_where_it_says(redirection.path), "the path is one");
    require(leads_where_it_says(redirection.to), "the target is a path");
    require(!below(redirection.to, redirection.path), "the target lies elsewhere");
    for (const char* own : {"/proc", "/sys", "/dev", "/run/appshot"})
      require(!below(redirection.path, own), "what is an instance's own stays");
    require(redirection.path != "/" && !below(redirection.to, "/proc"), "so do the root and /proc");
    try_way(evaluated, redirection.path);
    if (redirection.path.size() + redirection.to.size() < 4000)
      try_way(evaluated, redirection.path + "/x");
  }
  for (const Exception& exception : evaluated.exceptions) {
    require(leads_where_it_says(exception.path) && exception.path != "/", "a public path is one");
    require(resolve(evaluated, exception.path).is_public, "it is public");
  }
  for (const std::string& entry : evaluated.env) {
    require(entry.find('=') != std::string::npos && entry[0] != '=', "a variable has a name");
    require(entry.find('\0') == std::string::npos && entry.size() < 131072, "execve takes it");
  }
}

// Nothing: it is refused.
std::optional<Rules> try_text(std::string_view text) {
  Result<Rules> rules = parse(text, "rules");
  if (!rules) {
    require_shown(rules.error().message());
    return std::nullopt;
  }
  const std::string printed = print(*rules);
  Result<Rules> again = parse(printed, "printed");
  require(bool(again), "what was printed parses");
  require(*again == *rules, "to the same");
  require(print(*again) == printed, "which is printed the same");
  return *rules;
}

std::vector<std::string> seeds() {
  using namespace std::string_literals;
  return {R"(# all there is
DEFINE <APP> AS PROPERTY application-id
DEFINE <U> AS PROPERTY env:USER
DEFINE <L> AS "a<<b\x01"
REDIR PATH "/user/app/config" TO "/usr/<APP>/x" CREATE READONLY COPY
LINK "/etc/current" TO "/srv/<NODE>/.<APPL-ID>" CREATE
SET ENV "HOME" = "/home/<U>\n\t\"\\<<<L>"
EXCEPT PATH "/srv/shared" READONLY
RESOURCE file PATH "/a/**/b?*" ON create,read DO cow
RESOURCE shm KEY 0x1f ON write,destroy DO duplicate
RESOURCE port PORT 80-90 DO multiplex
)"
          "\0LINK \"/user/app\" TO \"/<INSTANCE>\"\nEXCEPT PATH \"/etc/current\"\0web\0ann"s,
          "REDIR PATH \"/a\" TO \"/b/<APPL-ID>\"\nREDIR PATH \"/b\" TO \"/a\"\0\0..\0/"s,
          "define <X> as property template\nset env \"A\"=\"<x>\"\nfoo\nLINK /a TO \"b\"\0"s};
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  appshot::write_seeds_if_told(*argc, *argv, seeds);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string, 4> parts;
  for (std::string& part : parts) {
    part = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  std::vector<Rules> layered;
  for (size_t i : {0, 1}) {
    std::optional<Rules> rules = try_text(parts[i]);
    if (rules) layered.push_back(std::move(*rules));
  }
  const Variables variables{.application_id = parts[2],
                            .instance = parts[2] + "-2",
                            .node = "north",
                            .environment = parts[3],
                            .template_name = {},
                            .env = {"USER=" + parts[3]}};
  Result<Evaluated> evaluated = evaluate(layered, variables);
  if (!evaluated) {
    require_shown(evaluated.error().message());
    return 0;
  }
  try_evaluated(*evaluated);
  for (const ResourceRule& rule : evaluated->resources)
    deciding_rule(evaluated->resources,
                  {.type = rule.type, .path = parts[2], .key = 31, .port = 80});
  return 0;
}
