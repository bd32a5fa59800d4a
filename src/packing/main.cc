// appshot-packer: makes layers of folders and archives, and archives of layers. Started by appshotd
// for one piece of work, as a process of its own, because it handles bytes of others.
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "packing/arguments.h"
#include "protocol/error_json.h"

namespace appshot::packing {
namespace {

int print_usage() {
  fputs("usage: appshot-packer COMMAND …\n", stderr);
  for (const Command& command : commands()) {
    fprintf(stderr, "  %-11s %s", command.name, command.usage);
    for (const std::string& option : command.options)
      fprintf(stderr, " [%s]",
              option.ends_with('!') ? option.substr(0, option.size() - 1).c_str()
                                    : (option + " …").c_str());
    fputs("\n", stderr);
  }
  return 2;
}

// Folders are walked with a descriptor for each level.
void allow_many_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Result<Json> run(const Command& command, const std::vector<std::string>& words, Report& report) {
  return command.run(TRY(parse_arguments(command, words)), report);
}

int run_program(const std::vector<std::string>& words) {
  const Command* command = words.empty() ? nullptr : command_of(words[0]);
  if (command == nullptr) return print_usage();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  umask(0);
  // Whatever else the program has been handed could lead out of where it unpacks.
  close_range(STDERR_FILENO + 1, ~0U, 0);
  allow_many_descriptors();
  // An archive on standard output has it for itself.
  const bool archive_there = words[0] == "pack" && words.size() > 1 && words[1] == "-";
  Report report(archive_there ? STDERR_FILENO : STDOUT_FILENO);
  Result<Json> result = run(*command, {words.begin() + 1, words.end()}, report);
  const bool told = bool(report.line(result ? Json{{"result", *result}}
                                            : Json{{"error", error_to_json(result.error())}}));
  return result && told ? 0 : 1;
}

}  // namespace
}  // namespace appshot::packing

int main(int argc, char** argv) { return appshot::packing::run_program({argv + 1, argv + argc}); }
