#include "cli/progress.h"

#include <unistd.h>

#include <cstdio>

#include "cli/text.h"

namespace appshot {
namespace {

constexpr int kBarWidth = 30;

bool shows_bar(const std::string& mode) { return mode == "auto" && ::isatty(STDERR_FILENO) == 1; }

void print_bar(const std::string& what, const Json& progress) {
  int64_t done = int_at(progress, "done");
  int64_t total = int_at(progress, "total");
  int filled = total > 0 ? static_cast<int>(kBarWidth * done / total) : 0;
  std::string bar(static_cast<size_t>(std::min(filled, kBarWidth)), '#');
  bar.resize(kBarWidth, '.');
  std::string line = what + " " + string_at(progress, "phase") + " [" + bar + "] " +
                     human_bytes(done) + " of " + human_bytes(total);
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
}

void print_line(const std::string& what, const Json& progress) {
  std::fprintf(stderr, "%s: %s %lld/%lld\n", what.c_str(), string_at(progress, "phase").c_str(),
               static_cast<long long>(int_at(progress, "done")),
               static_cast<long long>(int_at(progress, "total")));
}

}  // namespace

Api::ProgressListener progress_printer(const std::string& mode, const std::string& what) {
  if (mode == "plain") return [what](const Json& progress) { print_line(what, progress); };
  if (shows_bar(mode)) return [what](const Json& progress) { print_bar(what, progress); };
  return {};
}

void end_progress(const std::string& mode) {
  if (shows_bar(mode)) std::fputs("\r\033[K", stderr);
}

void print_outcome(const std::string& mode, const std::string& text) {
  if (mode == "plain" || shows_bar(mode)) std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace appshot
