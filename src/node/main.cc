// appshotd: the one owner of a node's state. Everything is wired here and in run_daemon.
#include <malloc.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "node/daemon.h"
#include "node/log.h"
#include "os/file.h"
#include "os/kernel_features.h"

namespace appshot {
namespace {

constexpr const char* kUsage =
    "usage: appshotd [--notify-fd FD] [--log-level debug|info|warning|error] [--harness PROGRAM]\n"
    "Serves the appshot API on a unix socket; appshot starts it by itself.\n";

struct Arguments {
  DaemonOptions options;
  std::string log_level;
  std::string harness;
  bool help = false;
};

Result<> read_arguments(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (name == "--help" || name == "-h") {
      arguments.help = true;
      continue;
    }
    if (i + 1 == argc) return Error(ErrorClass::usage, std::string(name) + " needs a value");
    std::string_view value = argv[++i];
    if (name == "--notify-fd") {
      std::from_chars(value.data(), value.data() + value.size(), arguments.options.notify_fd);
    } else if (name == "--log-level") {
      arguments.log_level = value;
    } else if (name == "--harness") {
      arguments.harness = value;
    } else {
      return Error(ErrorClass::usage, "unknown option " + std::string(name));
    }
  }
  return {};
}

Result<> serve(const Arguments& arguments) {
  NodeConfig config = TRY(load_config());
  if (!arguments.log_level.empty()) config.log_level = arguments.log_level;
  if (!arguments.harness.empty()) config.harness = arguments.harness;
  set_log_level(config.log_level);
  std::unique_ptr<ImageStore> images = make_image_store();
  std::string state_dir = TRY(Paths::from_environment()).state_dir;
  return run_daemon(arguments.options, config, *images,
                    [state_dir] { return probe_kernel_features(state_dir); });
}

int run(int argc, char** argv) {
  Arguments arguments;
  Result<> served = read_arguments(argc, argv, arguments);
  if (served && arguments.help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (served) served = serve(arguments);
  if (served) return 0;
  const Error& error = served.error();
  std::string text = "appshotd: " + error.message() + "\n";
  if (!error.hint().empty()) text += "  hint: " + error.hint() + "\n";
  std::fputs(text.c_str(), stderr);
  // Whoever waits for the daemon hears it in its own words.
  if (arguments.options.notify_fd >= 0) {
    std::string reason = error.message() + "\n";
    (void)write_all(arguments.options.notify_fd, {reason.data(), reason.size()});
  }
  return exit_status_of(error.cls());
}

}  // namespace
}  // namespace appshot

int main(int argc, char** argv) {
  // Each connection has a thread of its own for a moment. With a heap for each of them, every one
  // would grow to what the biggest request has ever needed.
  ::mallopt(M_ARENA_MAX, 1);
  return appshot::run(argc, argv);
}
