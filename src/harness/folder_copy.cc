#include "harness/folder_copy.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "protocol/error_json.h"

namespace appshot {
namespace {

constexpr char kPacker[] = "appshot-packer";

Result<std::string> packer() {
  const std::string own = TRY(read_link("/proc/self/exe"));
  return own.substr(0, own.find_last_of('/') + 1) + kPacker;
}

// What it says last: its result, or what has failed.
Result<> outcome_of(const std::string& said) {
  const size_t end = said.find_last_not_of('\n');
  const size_t before = end == std::string::npos ? end : said.find_last_of('\n', end);
  const size_t begin = before == std::string::npos ? 0 : before + 1;
  const Result<Json> last = parse_json(said.substr(begin));
  if (!last) return Error(ErrorClass::other, std::string(kPacker) + " has ended without a result");
  if (const Json& error = field(*last, "error"); !error.is_null()) return error_from_json(error);
  return {};
}

}  // namespace

Result<> copy_folder(const OwnUsers& users, const std::string& from, const std::string& target) {
  const std::string program = TRY(packer()), drafted = target + ".appshot-copy";
  const std::string root = std::to_string(users.root);
  TRY(remove_tree(drafted));  // of a start that was killed
  int ends[2];
  TRY_SYS(::pipe2(ends, O_CLOEXEC));
  const UniqueFd said(ends[0]);
  UniqueFd says(ends[1]);
  const pid_t pid = TRY_SYS(::fork());
  if (pid == 0) {
    if (::dup2(says.get(), STDOUT_FILENO) >= 0)
      ::execl(program.c_str(), kPacker, "copy-tree", "--root", root.c_str(), from.c_str(),
              drafted.c_str(), nullptr);
    ::_exit(127);
  }
  says.reset();
  const Result<std::string> text = read_whole(said.get());
  ::waitpid(pid, nullptr, 0);
  Result<> copied = text ? outcome_of(*text) : Result<>(text.error());
  if (copied && ::rename((drafted + "/root").c_str(), target.c_str()) != 0)
    copied = Error::from_errno(errno, "rename " + drafted);
  TRY(remove_tree(drafted));
  return copied;
}

}  // namespace appshot
