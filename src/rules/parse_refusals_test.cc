#include "rules/refusal_for_test.h"

namespace appshot::rules {
namespace {

TEST(ParseRefuses, PathsThatAreNotAbsolute) {
  expect_refused({
      {R"(LINK "a" TO "<NODE>/x")",
       R"(rules:1:7: a path must be absolute: begin with /
  LINK "a" TO "<NODE>/x"
        ^
rules:1:14: a path must be absolute: begin with /
  LINK "a" TO "<NODE>/x"
               ^)"},
      {R"(LINK "" TO "/")",
       R"(rules:1:6: a path cannot be empty
  LINK "" TO "/"
       ^)"},
      {R"(LINK "/" TO "")",
       R"(rules:1:6: the root cannot be a link; name what is below it
  LINK "/" TO ""
       ^
rules:1:13: a path cannot be empty
  LINK "/" TO ""
              ^)"},
  });
}

TEST(ParseRefuses, PathsThatLeadUpOrStay) {
  expect_refused({
      {R"(LINK "/a/./b" TO "/a/../b")",
       R"(rules:1:10: a path cannot hold ".": where it leads would depend on symbolic links
  LINK "/a/./b" TO "/a/../b"
           ^
rules:1:22: a path cannot hold "..": where it leads would depend on symbolic links
  LINK "/a/./b" TO "/a/../b"
                       ^)"},
      {R"(LINK "/a/.." TO "/c/.")",
       R"(rules:1:10: a path cannot hold "..": where it leads would depend on symbolic links
  LINK "/a/.." TO "/c/."
           ^
rules:1:21: a path cannot hold ".": where it leads would depend on symbolic links
  LINK "/a/.." TO "/c/."
                      ^)"},
      {R"(LINK "/../<NODE>" TO "/<NODE>/..")",
       R"(rules:1:11: the path an application sees cannot hold variables
  LINK "/../<NODE>" TO "/<NODE>/.."
            ^
rules:1:31: a path cannot hold "..": where it leads would depend on symbolic links
  LINK "/../<NODE>" TO "/<NODE>/.."
                                ^)"},
  });
}

TEST(ParseRefuses, ControlCharactersInPaths) {
  expect_refused({
      {R"(LINK "/a\x01" TO "/c\n")",
       R"(rules:1:9: a path cannot hold the control character "\x01"
  LINK "/a\x01" TO "/c\n"
          ^
rules:1:21: a path cannot hold the control character "\n"
  LINK "/a\x01" TO "/c\n"
                      ^)"},
      {R"(EXCEPT PATH "/\x7f")",
       R"(rules:1:15: a path cannot hold the control character "\x7f"
  EXCEPT PATH "/\x7f"
                ^)"},
  });
}

TEST(ParseRefuses, VariablesWhereAnApplicationSeesThem) {
  expect_refused({
      {R"(LINK "/a/<NODE>" TO "/c")",
       R"(rules:1:10: the path an application sees cannot hold variables
  LINK "/a/<NODE>" TO "/c"
           ^)"},
      {R"(EXCEPT PATH "/<NODE>"
REDIR PATH "/<NODE>" TO "/c")",
       R"(rules:1:15: the path an application sees cannot hold variables
  EXCEPT PATH "/<NODE>"
                ^
rules:2:14: the path an application sees cannot hold variables
  REDIR PATH "/<NODE>" TO "/c"
               ^)"},
      {R"(SET ENV "A<NODE>" = "")",
       R"(rules:1:11: the name of an environment variable cannot hold variables
  SET ENV "A<NODE>" = ""
            ^)"},
  });
}

TEST(ParseRefuses, TheRoot) {
  expect_refused({
      {R"(LINK "/" TO "/c"
REDIR PATH "//" TO "/c"
EXCEPT PATH "/")",
       R"(rules:1:6: the root cannot be a link; name what is below it
  LINK "/" TO "/c"
       ^
rules:2:12: the root cannot be redirected; name what is below it
  REDIR PATH "//" TO "/c"
             ^
rules:3:13: the root cannot be public: nothing would be the instance's own
  EXCEPT PATH "/"
              ^)"},
  });
}

TEST(ParseRefuses, WhatInstancesHaveOfTheirOwn) {
  expect_refused({
      {R"(LINK "/proc" TO "/c"
REDIR PATH "/sys/x" TO "/c"
LINK "/dev/shm/" TO "/c"
LINK "/run/appshot/x" TO "/c"
LINK "/run/appshots" TO "/c"
EXCEPT PATH "/proc/x"
EXCEPT PATH "/run//appshot")",
       R"(rules:1:6: "/proc" cannot be a link: each instance has its own /proc
  LINK "/proc" TO "/c"
       ^
rules:2:12: "/sys/x" cannot be redirected: each instance has its own /sys
  REDIR PATH "/sys/x" TO "/c"
             ^
rules:3:6: "/dev/shm" cannot be a link: each instance has its own /dev
  LINK "/dev/shm/" TO "/c"
       ^
rules:4:6: "/run/appshot/x" cannot be a link: each instance has its own /run/appshot
  LINK "/run/appshot/x" TO "/c"
       ^
rules:6:13: "/proc/x" cannot be public: each instance has its own /proc
  EXCEPT PATH "/proc/x"
              ^
rules:7:13: "/run/appshot" cannot be public: each instance has its own /run/appshot
  EXCEPT PATH "/run//appshot"
              ^)"},
  });
}

TEST(ParseRefuses, TargetsThatLeadBack) {
  expect_refused({
      {R"(LINK "/b" TO "/b"
LINK "/c" TO "/c/d"
REDIR PATH "/d" TO "/d/<NODE>")",
       R"(rules:1:14: the target lies inside "/b" itself
  LINK "/b" TO "/b"
               ^
rules:2:14: the target lies inside "/c" itself
  LINK "/c" TO "/c/d"
               ^
rules:3:20: the target lies inside "/d" itself
  REDIR PATH "/d" TO "/d/<NODE>"
                     ^)"},
      {R"(LINK "/a" TO "/proc/self"
LINK "/b" TO "/proc/<NODE>")",
       R"(rules:1:14: nothing can lead into /proc: what is there is another thing for each who looks
  LINK "/a" TO "/proc/self"
               ^
rules:2:14: nothing can lead into /proc: what is there is another thing for each who looks
  LINK "/b" TO "/proc/<NODE>"
               ^)"},
  });
}

TEST(ParseRefuses, ASecondRuleForOnePath) {
  expect_refused({
      {R"(LINK "/a" TO "/b"
REDIR PATH "/a/" TO "/c"
EXCEPT PATH "/a"
SET ENV "A" = ""
SET ENV "A" = "1")",
       R"(rules:2:12: line 1 has a rule for "/a" already
  REDIR PATH "/a/" TO "/c"
             ^
rules:3:13: line 1 has a rule for "/a" already
  EXCEPT PATH "/a"
              ^
rules:5:9: line 4 has a rule for "A" already
  SET ENV "A" = "1"
          ^)"},
  });
}

TEST(ParseRefuses, DefinitionsThatCannotBePartOfAPath) {
  expect_refused({
      {R"(DEFINE <A> AS "../x"
SET ENV "A" = "<A>"
LINK "/a" TO "/b/<A>")",
       R"(rules:3:19: <A> is "../x" and cannot be part of a path: it holds a /
  LINK "/a" TO "/b/<A>"
                    ^)"},
      {R"(DEFINE <A> AS ".."
LINK "/a" TO "/b/<A>")",
       R"(rules:2:19: <A> is ".." and cannot be part of a path: that is no name
  LINK "/a" TO "/b/<A>"
                    ^)"},
      {R"(DEFINE <A> AS ""
LINK "/a" TO "/b/<A>")",
       R"(rules:2:19: <A> is "" and cannot be part of a path: it is empty
  LINK "/a" TO "/b/<A>"
                    ^)"},
  });
}

TEST(ParseRefuses, NamesThatNoEnvironmentVariableHas) {
  expect_refused({
      {R"(SET ENV "" = ""
SET ENV "A=B" = "")",
       R"(rules:1:9: the name of an environment variable cannot be empty
  SET ENV "" = ""
          ^
rules:2:9: the name of an environment variable cannot hold a =
  SET ENV "A=B" = ""
          ^)"},
  });
}

}  // namespace
}  // namespace appshot::rules
