// A folder of a test's own, which goes with it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "os/file.h"

namespace appshot {

class FolderForTest {
 public:
  FolderForTest() { EXPECT_NE(::mkdtemp(path_.data()), nullptr); }
  ~FolderForTest() { EXPECT_TRUE(remove_tree(path_)); }
  FolderForTest(const FolderForTest&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = ::testing::TempDir() + "appshot-test-XXXXXX";
};

}  // namespace appshot
