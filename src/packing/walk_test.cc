#include "packing/walk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

namespace appshot::packing {
namespace {

class WalkTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(path_.data()), nullptr);
    here_ = open_file(".", O_PATH | O_DIRECTORY).value();
    folder_ = open_file(path_, O_RDONLY | O_DIRECTORY).value();
  }
  void TearDown() override {
    ASSERT_EQ(::fchdir(here_.get()), 0);
    EXPECT_TRUE(remove_tree(path_));
    EXPECT_TRUE(remove_tree(path_ + "-aside"));
  }
  void make(const std::string& name, const std::string& content = "") {
    const std::string path = path_ + "/" + name;
    ASSERT_TRUE(make_folders(path.substr(0, path.rfind('/'))));
    ASSERT_TRUE(write_file(path, content, O_CREAT));
  }
  Result<std::vector<std::string>> visited(const Walk::Visit& also = nullptr) {
    std::vector<std::string> paths;
    Walk walk([&](Entry& entry, const Place& place) -> Result<> {
      paths.push_back(entry.kind == Kind::hard_link ? entry.path + "=" + entry.target : entry.path);
      return also ? also(entry, place) : Result<>();
    });
    TRY(walk.visit_tree(folder_.get(), ""));
    return paths;
  }

  std::string path_ = "/tmp/walk-test-XXXXXX";
  UniqueFd here_, folder_;
};

TEST_F(WalkTest, GoesByTheBytesOfNames) {
  for (const char* name : {"b", "a/z", "a/b/c", "a.b", "A", "\xff"}) make(name);
  EXPECT_EQ(*visited(),
            (std::vector<std::string>{"", "A", "a", "a/b", "a/b/c", "a/z", "a.b", "b", "\xff"}));
}

TEST_F(WalkTest, TellsOtherNamesOfAFileByItsFirst) {
  make("b/file");
  ASSERT_EQ(::link((path_ + "/b/file").c_str(), (path_ + "/a").c_str()), 0);
  ASSERT_EQ(::link((path_ + "/b/file").c_str(), (path_ + "/c").c_str()), 0);
  EXPECT_EQ(*visited(), (std::vector<std::string>{"", "a", "b", "b/file=a", "c=a"}));
}

TEST_F(WalkTest, NamesAFileThatVanishes) {
  for (const char* name : {"a", "b", "c"}) make(name);
  Result<std::vector<std::string>> paths =
      visited([&](const Entry& entry, const Place&) -> Result<> {
        if (entry.path == "a") TRY_SYS(::unlink((path_ + "/b").c_str()));
        return {};
      });
  ASSERT_FALSE(paths);
  EXPECT_NE(paths.error().message().find("'b'"), std::string::npos) << paths.error().message();
}

TEST_F(WalkTest, OpensNothingElseThanWhatItSaw) {
  make("file", "content");
  auto replaced_by = [&](const std::function<void(const std::string&)>& replace) {
    return visited([&](const Entry& entry, const Place& place) -> Result<> {
      if (entry.kind != Kind::file) return {};
      const std::string path = path_ + "/" + entry.path;
      EXPECT_EQ(::rename(path.c_str(), (path_ + "-aside").c_str()), 0);
      replace(path);
      Result<UniqueFd> opened = place.open();
      EXPECT_EQ(::rename((path_ + "-aside").c_str(), path.c_str()), 0);
      TRY(std::move(opened));
      return {};
    });
  };
  EXPECT_FALSE(replaced_by(
      [](const std::string& path) { EXPECT_TRUE(write_file(path, "other", O_CREAT)); }));
  EXPECT_FALSE(replaced_by(
      [](const std::string& path) { EXPECT_EQ(::symlink("/etc/passwd", path.c_str()), 0); }));
  EXPECT_FALSE(replaced_by([](const std::string& path) {
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
  })) << "and does not wait for a writer";
  EXPECT_TRUE(replaced_by([this](const std::string& path) {
    EXPECT_EQ(::link((path_ + "-aside").c_str(), path.c_str()), 0);
  }));
}

TEST_F(WalkTest, RefusesWhatIsDeeperThanAPathCanTell) {
  int here = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY);
  const std::string name(200, 'd');
  for (int depth = 0; depth < 25; ++depth) {
    ASSERT_EQ(::mkdirat(here, name.c_str(), 0700), 0);
    const int below = ::openat(here, name.c_str(), O_RDONLY | O_DIRECTORY);
    ::close(here);
    here = below;
  }
  ::close(here);
  EXPECT_EQ(visited().error().cls(), ErrorClass::refused);
}

}  // namespace
}  // namespace appshot::packing
