#include "restore/changed_contents.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <time.h>

#include <array>

#include "os/file.h"
#include "resources/content_sum.h"
#include "resources/file_names.h"

namespace appshot {
namespace {

std::string words_of(const timespec& time) {
  tm parts{};
  std::array<char, 64> seconds{};
  if (::gmtime_r(&time.tv_sec, &parts) == nullptr) return "at no time";
  ::strftime(seconds.data(), seconds.size(), "%F %T", &parts);
  return fmt::format("{}.{:09} UTC", seconds.data(), time.tv_nsec);
}

class Look {
 public:
  Look(const image::ExpectedFileT& file, std::string path, const TellSummed& tell)
      : file_(file), name_(*file.name), path_(std::move(path)), tell_(tell) {}

  // None: it is as it was.
  std::optional<Obstacle> difference() {
    Result<> looked = look();
    if (!looked)
      return told("cannot be looked at: " + looked.error().message(), "make it readable again");
    if (!is_there_) return told("is not there", "bring it back");
    if (!S_ISREG(info_.st_mode)) return told("is no ordinary file any more", "bring it back");
    const bool is_same = is_same_size() && (file_.sum ? is_same_content_ : is_same_time());
    if (is_same) return {};
    if (!file_.sum) return looks_changed();
    return is_same_content_ ? has_grown() : is_other();
  }

 private:
  Result<> look() {
    is_there_ = ::stat(path_.c_str(), &info_) == 0;
    if (!is_there_ && errno != ENOENT && errno != ENOTDIR)
      return Error::from_errno(errno, "stat " + name_.path);
    const bool can_be_same = is_there_ && S_ISREG(info_.st_mode) && size() >= name_.size;
    if (!file_.sum || !can_be_same) return {};
    const UniqueFd fd = TRY(open_file(path_, kToSum));
    is_same_content_ = TRY(content_sum(fd.get(), name_.size, tell_)) == *file_.sum;
    return {};
  }

  uint64_t size() const { return static_cast<uint64_t>(info_.st_size); }
  bool is_same_size() const { return size() == name_.size; }
  bool is_same_time() const {
    return info_.st_mtim.tv_sec == name_.mtime->sec() &&
           info_.st_mtim.tv_nsec == name_.mtime->nsec();
  }

  // Sizes and times, where they are not what they were.
  std::string differing() const {
    std::string words;
    if (!is_same_size()) words += fmt::format(", {} bytes instead of {}", size(), name_.size);
    if (!is_same_time())
      words += fmt::format(", last changed {} instead of {}", words_of(info_.st_mtim),
                           words_of(from_time(*name_.mtime)));
    return words.empty() ? ", though it has the same size and time" : words;
  }

  Obstacle is_other() const {
    return told(
        "has other content than at the snapshot" + differing(),
        "bring it back as it was at the snapshot: what the program has in memory belongs to "
        "that, and there is no restore without it");
  }
  Obstacle has_grown() const {
    return told("has grown since the snapshot, and so has other content than then" + differing(),
                fmt::format("all that it held is still at its beginning: keep a copy, and bring it "
                            "back with truncate -s {} {}",
                            name_.size, name_.path));
  }
  Obstacle looks_changed() const {
    return told("is not as at the snapshot" + differing(),
                "bring it back as it was, its time as well: its content was not taken down, as it "
                "was large or being written");
  }
  Obstacle told(const std::string& what, std::string hint) const {
    return {"the open file " + name_.path + " " + what, std::move(hint)};
  }

  const image::ExpectedFileT& file_;
  const image::FileNameT& name_;
  const std::string path_;
  const TellSummed& tell_;
  struct stat info_ {};
  bool is_there_ = false;
  bool is_same_content_ = false;  // as far as it went
};

}  // namespace

void find_changed_contents(const image::ImageT& image, const RestoreContext* context,
                           const TellRead& tell, std::vector<Obstacle>& differences) {
  uint64_t done = 0, total = 0;
  for (const auto& file : image.expected_files)
    if (file->sum) total += file->name->size;
  const TellSummed tell_summed = [&](uint64_t bytes) {
    done += bytes;
    if (tell) tell(done, total);
  };
  for (const auto& file : image.expected_files) {
    // What the application had mounted may cover something.
    if (context == nullptr && (file->name->space >= 0 || !image.mounts.empty())) continue;
    Look look(*file, context == nullptr ? file->name->path : context->path_of(*file->name),
              tell_summed);
    if (std::optional<Obstacle> difference = look.difference())
      differences.push_back(std::move(*difference));
  }
}

}  // namespace appshot
