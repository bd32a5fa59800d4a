#include "os/proc/process_dir.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace appshot::proc {
namespace {

// Fields from the fourth on count up, so that each is known by its value.
std::string stat_line(const std::string& name) {
  std::string line = "4711 (" + name + ") S";
  for (int field = 4; field <= 52; ++field) line += " " + std::to_string(field * 10);
  return line + "\n";
}

TEST(StatLine, FieldsAreTakenByTheirNumber) {
  Result<Stat> stat = parse_stat(stat_line("cat"));
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 4711);
  EXPECT_EQ(stat->name, "cat");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 40);
  EXPECT_EQ(stat->group, 50);
  EXPECT_EQ(stat->session, 60);
  EXPECT_EQ(stat->tty, 70u);
  EXPECT_EQ(stat->tty_group, 80);
  EXPECT_EQ(stat->flags, 90u);
  EXPECT_EQ(stat->start_time, 220u);
  EXPECT_EQ(stat->start_code, 260u);
  EXPECT_EQ(stat->start_stack, 280u);
  EXPECT_EQ(stat->exit_signal, 380);
  EXPECT_EQ(stat->start_data, 450u);
  EXPECT_EQ(stat->start_brk, 470u);
  EXPECT_EQ(stat->env_end, 510u);
  EXPECT_EQ(stat->exit_code, 520);
}

TEST(StatLine, NamesMayHoldBlanksParenthesesAndNewlines) {
  for (const char* name : {"a b", "(sd-pam)", ") R 1 2 3 (", "a) (b", "", "new\nline", "((("}) {
    Result<Stat> stat = parse_stat(stat_line(name));
    ASSERT_TRUE(stat) << name;
    EXPECT_EQ(stat->name, name);
    EXPECT_EQ(stat->parent, 40);
  }
}

TEST(StatLine, LargeAndNegativeNumbersArriveWhole) {
  std::string line = "1 (x) R 0 -1 -1 34816 -1 4194560";
  for (int field = 10; field <= 51; ++field) line += " 18446744073709551615";
  Result<Stat> stat = parse_stat(line + " -1");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->tty, 34816u);
  EXPECT_EQ(stat->tty_group, -1);
  EXPECT_EQ(stat->env_end, ~uint64_t{0});
}

TEST(StatLine, TornOnesAreRefused) {
  const std::string whole = stat_line("cat");
  for (const std::string& text :
       {std::string(), std::string("4711"), std::string("4711 (cat"), std::string("4711 (cat)"),
        std::string("4711 (cat) "), std::string(")("), whole.substr(0, whole.size() / 2)}) {
    Result<Stat> stat = parse_stat(text);
    ASSERT_FALSE(stat) << text;
    EXPECT_EQ(stat.error().cls(), ErrorClass::corrupt);
  }
}

constexpr char kStatus[] =
    "Name:\ta:b c\n"
    "Pid:\t4711\n"
    "NSpid:\t4711\t12\t3\n"
    "NSsid:\t9\n"
    "SigIgn:\t00000000000010ff\n"
    "Empty:\n"
    "lock:\t1: POSIX  ADVISORY  WRITE 5 00:01:2 0 EOF\n"
    "lock:\t2: FLOCK  ADVISORY  WRITE 5 00:01:2 0 EOF\n"
    "no colon here\n";

TEST(Fields, AreFoundByTheirKeys) {
  const Fields fields{kStatus};
  EXPECT_EQ(field(fields, "Name"), "a:b c");
  EXPECT_EQ(field_number(fields, "Pid"), 4711u);
  EXPECT_EQ(field_number(fields, "SigIgn", 16), 0x10ffu);
  EXPECT_EQ(field(fields, "Empty"), "");
  EXPECT_EQ(field(fields, "Absent"), "");
  EXPECT_EQ(field_number(fields, "Absent"), 0u);
  EXPECT_EQ(field(Fields{}, "lock"), "");
}

TEST(Fields, TheInnermostIdIsTheLast) {
  const Fields fields{kStatus};
  EXPECT_EQ(innermost(fields, "NSpid"), 3);
  EXPECT_EQ(innermost(fields, "NSsid"), 9);
  EXPECT_EQ(innermost(fields, "Absent"), 0);
}

TEST(Fields, IdsAreToldForEachNamespace) {
  const Fields nested{"NSpid:\t4711\t12\t3\t1\n"}, inside{"NSpid:\t4711\t12\n"};
  const Fields outside{"NSpid:\t4711\n"};
  EXPECT_EQ(id_inside(nested, "NSpid"), 12);
  EXPECT_EQ(id_inside(inside, "NSpid"), 12);
  EXPECT_EQ(id_inside(outside, "NSpid"), 4711);
  EXPECT_EQ(id_inside(outside, "Absent"), 0);
  EXPECT_EQ(nested_ids(nested, "NSpid"), (std::vector<int>{3, 1}));
  EXPECT_EQ(nested_ids(nested, "NSpid", 1), (std::vector<int>{12, 3, 1}));
  EXPECT_TRUE(nested_ids(inside, "NSpid").empty());
  EXPECT_TRUE(nested_ids(outside, "NSpid").empty());
  EXPECT_EQ(id_seen_by(inside, nested, "NSpid"), 12);
  EXPECT_EQ(id_seen_by(nested, inside, "NSpid"), 0);
}

TEST(ProcessDir, TellsOfOurselves) {
  ProcessDir dir = ProcessDir::open(HostPid{::getpid()}).value();
  EXPECT_EQ(dir.stat().value().pid, ::getpid());
  EXPECT_EQ(dir.stat().value().parent, ::getppid());
  EXPECT_EQ(dir.threads().value().front().value, ::getpid());
  EXPECT_FALSE(dir.mappings().value().empty());
  std::vector<int> descriptors = dir.descriptors().value();
  EXPECT_TRUE(std::is_sorted(descriptors.begin(), descriptors.end()));
  EXPECT_EQ(innermost(dir.status().value(), "NSpid"), ::getpid());
}

TEST(ProcessDir, AProcessThatIsNoMoreIsGone) {
  Result<ProcessDir> dir = ProcessDir::open(HostPid{(1 << 22) + 1});
  ASSERT_FALSE(dir);
  EXPECT_EQ(dir.error().cls(), ErrorClass::gone);
}

}  // namespace
}  // namespace appshot::proc
