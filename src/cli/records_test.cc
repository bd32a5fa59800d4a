#include "cli/records.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/text.h"

namespace appshot {
namespace {

TEST(Records, ClassesStandInATable) {
  const Json records = Json::array({{{"type", "regular file"},
                                     {"name", "/srv/log"},
                                     {"process", 2},
                                     {"descriptor", 5},
                                     {"class", "cow"},
                                     {"by", "in the private layer"},
                                     {"size", 4096},
                                     {"detail", "offset 12"}},
                                    {{"type", "clocks"},
                                     {"name", "CLOCK_MONOTONIC"},
                                     {"class", "virtualise"},
                                     {"by", "its name is unique on a system"},
                                     {"size", 0}}});
  EXPECT_EQ(
      records_text(records),
      "TYPE          NAME             PROCESS  FD  CLASS       SIZE     BY\n"
      "regular file  /srv/log         2        5   cow         4.0 KiB  in the private layer\n"
      "clocks        CLOCK_MONOTONIC               virtualise           its name is unique on a "
      "system\n");
}

TEST(Records, NamesGiveWaySoThatLinesAreNotTooLong) {
  Json records = Json::array(
      {{{"type", "private file"},
        {"name", "/" + std::string(200, 'd') + "/end\n"},
        {"class", "duplicate"},
        {"by", "rule /srv/" + std::string(100, 'r') + ":3:1 (virtualise): the same in effect"}}});
  std::istringstream lines(records_text(records));
  std::string line;
  size_t count = 0;
  for (; std::getline(lines, line); ++count) EXPECT_LE(columns_of(line), 120U) << line;
  EXPECT_EQ(count, 2U);
  EXPECT_NE(records_text(records).find("d/end "), std::string::npos);
  EXPECT_NE(records_text(records).find(":3:1 (virtualise): the same in effect\n"),
            std::string::npos);
}

TEST(Records, OfWhatRunsThereAreDetails) {
  const Json records = Json::array({{{"type", "descriptor"},
                                     {"name", "/dev/null"},
                                     {"process", 2},
                                     {"descriptor", -1},
                                     {"detail", "offset 0"}}});
  EXPECT_EQ(records_text(records),
            "TYPE        NAME       PROCESS  FD  DETAIL\n"
            "descriptor  /dev/null  2            offset 0\n");
}

}  // namespace
}  // namespace appshot
