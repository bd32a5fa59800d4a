// appshot: the command line. Knows nothing but the API.
#include <unistd.h>

#include "cli/commands.h"
#include "cli/parser.h"

namespace appshot {
namespace {

MaybeDeadline deadline_of(const Options& options) {
  if (!options.timeout_s) return {};
  return Deadline::in(std::chrono::milliseconds(static_cast<int64_t>(*options.timeout_s * 1000)));
}

int run(const std::vector<std::string>& arguments) {
  std::variant<Options, Printed> parsed = parse_command_line(arguments);
  if (const Printed* text = std::get_if<Printed>(&parsed)) {
    (void)!::write(text->status == 0 ? STDOUT_FILENO : STDERR_FILENO, text->text.data(),
                   text->text.size());
    return text->status;
  }
  const Options& options = std::get<Options>(parsed);
  Result<Paths> paths = Paths::from_environment();
  if (!paths) return fail(paths.error());
  Api api(*paths, deadline_of(options));
  Context context{options, api};
  return run_command(context);
}

}  // namespace
}  // namespace appshot

int main(int argc, char** argv) {
  int status = appshot::run(std::vector<std::string>(argv + 1, argv + argc));
  // Nothing is left to tidy up that the kernel does not do faster.
  ::_exit(status);
}
