#include "cli/parser.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

using Words = std::vector<std::string>;

Options parsed(const Words& words) {
  auto result = parse_command_line(words);
  if (auto* text = std::get_if<Printed>(&result)) ADD_FAILURE() << text->text;
  return std::holds_alternative<Options>(result) ? std::get<Options>(result) : Options();
}

int refusal(const Words& words) {
  auto result = parse_command_line(words);
  auto* text = std::get_if<Printed>(&result);
  return text == nullptr ? -1 : text->status;
}

TEST(Parser, LeavesTheProgramsOptionsAlone) {
  Options o = parsed({"run", "-d", "--name", "web", "sleep", "-d", "--name", "x", "--"});
  EXPECT_TRUE(o.detach);
  EXPECT_EQ(o.name, "web");
  EXPECT_EQ(o.argv, (Words{"sleep", "-d", "--name", "x", "--"}));
}

TEST(Parser, TakesTheProgramAfterTheSeparator) {
  EXPECT_EQ(parsed({"run", "-it", "--", "-odd", "ps"}).argv, (Words{"-odd", "ps"}));
  EXPECT_EQ(parsed({"run", "ps", "-a"}).argv, (Words{"ps", "-a"}));
}

TEST(Parser, ReadsRepeatedAndJoinedOptions) {
  Options o = parsed({"run", "-e", "A=1", "-eB=2", "-e", "C=3", "--share", "net", "--share=fs",
                      "-itw", "/tmp", "cat"});
  EXPECT_EQ(o.env, (Words{"A=1", "B=2", "C=3"}));
  EXPECT_EQ(o.share, (Words{"net", "fs"}));
  EXPECT_TRUE(o.interactive && o.tty);
  EXPECT_EQ(o.workdir, "/tmp");
  EXPECT_EQ(o.argv, Words{"cat"});
}

TEST(Parser, TellsTheInstanceOfExecFromItsProgram) {
  for (const Words& words : {Words{"exec", "-it", "web", "sh", "-c", "ls"},
                             Words{"exec", "-it", "web", "--", "sh", "-c", "ls"},
                             Words{"exec", "-it", "--", "web", "sh", "-c", "ls"}}) {
    Options o = parsed(words);
    EXPECT_EQ(o.ids, Words{"web"});
    EXPECT_EQ(o.argv, (Words{"sh", "-c", "ls"}));
    EXPECT_TRUE(o.tty);
  }
}

TEST(Parser, TakesSeveralIds) {
  EXPECT_EQ(parsed({"stop", "a", "b"}).ids, (Words{"a", "b"}));
  EXPECT_EQ(parsed({"export", "abc", "out"}).file, "out");
  EXPECT_EQ(parsed({"export", "abc", "-"}).ids, Words{"abc"});
  EXPECT_EQ(parsed({"kill", "-s", "HUP", "--pid", "7", "a"}).virtual_pid, 7);
  EXPECT_EQ(parsed({"snapshot", "--timeout", "2.5", "a"}).timeout_s, 2.5);
}

TEST(Parser, RefusesWhatMakesNoSense) {
  EXPECT_EQ(refusal({}), 2);
  EXPECT_EQ(refusal({"frobnicate"}), 2);
  EXPECT_EQ(refusal({"run"}), 2);
  EXPECT_EQ(refusal({"exec", "web"}), 2);
  EXPECT_EQ(refusal({"stop"}), 2);
  EXPECT_EQ(refusal({"ps", "--nonsense"}), 2);
  EXPECT_EQ(refusal({"daemon", "dance"}), 2);
  EXPECT_EQ(refusal({"stop", "--timeout", "soon", "web"}), 2);
}

TEST(Parser, ReadsLimits) {
  Options o = parsed({"run", "--memory", "1.5GiB", "--cpus=0.5", "--pids", "20", "ls"});
  EXPECT_EQ(o.memory_limit, "1.5GiB");
  EXPECT_EQ(o.cpus, 0.5);
  EXPECT_EQ(o.pids, 20);
  for (const char* option :
       {"--memory=much", "--memory=0", "--cpus=0", "--cpus=two", "--pids=-1", "--pids=1.5"})
    EXPECT_EQ(refusal({"run", option, "ls"}), 2) << option;
}

TEST(Parser, ReadsPrivileges) {
  Options o = parsed({"run", "--cap-add", "NET_ADMIN", "--cap-add=KILL", "--cap-drop", "ALL",
                      "--allow-setuid", "--userns", "ls", "--privileged"});
  EXPECT_EQ(o.cap_add, (Words{"NET_ADMIN", "KILL"}));
  EXPECT_EQ(o.cap_drop, Words{"ALL"});
  EXPECT_TRUE(o.allow_setuid);
  EXPECT_TRUE(o.userns);
  EXPECT_FALSE(o.privileged);
}

TEST(Parser, HelpIsNoMistake) {
  EXPECT_EQ(refusal({"--help"}), 0);
  EXPECT_EQ(refusal({"run", "--help"}), 0);
  EXPECT_EQ(refusal({"--version"}), 0);
  EXPECT_EQ(parsed({"run", "ls", "--help"}).argv, (Words{"ls", "--help"}));
}

}  // namespace
}  // namespace appshot
