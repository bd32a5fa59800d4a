#include "resources/file_stamp.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "os/file.h"

namespace appshot {
namespace {

// Of a file on a real file system, if the tests run on one.
class FileStampTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(write_file(path_, std::string(kSize, 'x'), O_CREAT | O_EXCL));
    if (!stamp()) GTEST_SKIP() << "this file system's times do not tell of every change";
  }
  ~FileStampTest() override { std::filesystem::remove(path_); }

  // The clock ticks some hundred times a second.
  std::optional<FileStamp> stamp() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    std::optional<FileStamp> taken;
    const UniqueFd file = open_file(path_, O_RDONLY).value();
    while (!taken && std::chrono::steady_clock::now() < end) taken = FileStamp::take(file.get());
    return taken;
  }
  FileStamp now() {
    struct stat info {};
    EXPECT_EQ(::stat(path_.c_str(), &info), 0);
    return FileStamp::of(info);
  }

  static constexpr size_t kSize = 8192;
  std::string path_ = "appshot-stamp-" + std::to_string(::getpid());
};

TEST_F(FileStampTest, AnyWriteEndsItWhateverTimeIsSet) {
  const std::optional<FileStamp> taken = stamp();
  ASSERT_TRUE(taken);
  EXPECT_EQ(*taken, now());
  const UniqueFd file = open_file(path_, O_RDWR).value();
  struct stat before {};
  ASSERT_EQ(::fstat(file.get(), &before), 0);
  ASSERT_EQ(::pwrite(file.get(), "y", 1, 100), 1);
  const timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::futimens(file.get(), times), 0);
  EXPECT_NE(*taken, now());
}

TEST_F(FileStampTest, AWriteThroughALaterMappingEndsIt) {
  const std::optional<FileStamp> taken = stamp();
  ASSERT_TRUE(taken);
  UniqueFd file = open_file(path_, O_RDWR).value();
  auto* memory = static_cast<volatile char*>(
      ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
  ASSERT_NE(memory, MAP_FAILED);
  file.reset();
  EXPECT_EQ(memory[5000], 'x');
  EXPECT_EQ(*taken, now());
  memory[5000] = 'y';
  EXPECT_NE(*taken, now());
  ::munmap(const_cast<char*>(memory), kSize);
}

TEST_F(FileStampTest, NoneIsTakenOfAFileThatSomebodyMayWrite) {
  UniqueFd file = open_file(path_, O_RDWR).value();
  const UniqueFd reader = open_file(path_, O_RDONLY).value();
  EXPECT_FALSE(FileStamp::take(reader.get()));
  void* memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(memory, MAP_FAILED);
  file.reset();
  EXPECT_FALSE(FileStamp::take(reader.get()));
  ::munmap(memory, kSize);
  EXPECT_TRUE(FileStamp::take(reader.get()));
}

}  // namespace
}  // namespace appshot
