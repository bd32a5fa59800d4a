#include "rules/evaluate.h"

#include <gtest/gtest.h>

#include "rules/parse.h"

namespace appshot::rules {
namespace {

using Words = std::vector<std::string>;

const Variables kWeb{.application_id = "web",
                     .instance = "web-2",
                     .node = "north",
                     .environment = "office",
                     .template_name = "",
                     .env = {"HOME=/root", "EMPTY=", "USER=ann", "USER=bob"}};

Rules parsed(std::string_view text, std::string_view name = "rules") {
  Result<Rules> rules = parse(text, name);
  EXPECT_TRUE(rules) << (rules ? "" : rules.error().message());
  return rules ? *rules : Rules();
}

Evaluated evaluated(const std::vector<Rules>& layered, const Variables& variables = kWeb) {
  Result<Evaluated> result = evaluate(layered, variables);
  EXPECT_TRUE(result) << (result ? "" : result.error().message());
  return result ? *result : Evaluated();
}

std::string failure(std::string_view text, const Variables& variables = kWeb) {
  Result<Evaluated> result = evaluate({parsed(text)}, variables);
  if (result) return "none";
  EXPECT_EQ(result.error().cls(), ErrorClass::usage);
  return result.error().message();
}

TEST(Evaluate, PutsPropertiesInThePlaceOfVariables) {
  Evaluated result = evaluated({parsed(R"(
DEFINE <APP> AS PROPERTY application-id
DEFINE <AID> AS PROPERTY instance
DEFINE <HERE> AS PROPERTY node
DEFINE <IN> AS PROPERTY environment
DEFINE <WHO> AS PROPERTY env:USER
DEFINE <FIXED> AS "v1"
REDIR PATH "/a" TO "/srv/<APP>/<AID>-<HERE>.<IN>/<WHO>/<FIXED>" CREATE READONLY COPY
LINK "/b" TO "/<APPL-ID><INSTANCE>/<NODE>/<ENVIRONMENT>" CREATE
)")});
  EXPECT_EQ(result.redirections,
            (std::vector<EvaluatedRedirection>{
                {.path = "/a",
                 .to = "/srv/web/web-2-north.office/ann/v1",
                 .create = true,
                 .readonly = true,
                 .copy = true},
                {.path = "/b", .to = "/webweb-2/north/office", .create = true, .is_link = true},
            }));
}

TEST(Evaluate, GivesEachInstanceItsOwn) {
  std::vector<Rules> rules{parsed(R"(LINK "/a" TO "/srv/<INSTANCE>")")};
  Variables other = kWeb;
  other.instance = "web-3";
  EXPECT_EQ(evaluated(rules).redirections.at(0).to, "/srv/web-2");
  EXPECT_EQ(evaluated(rules, other).redirections.at(0).to, "/srv/web-3");
}

TEST(Evaluate, TakesWhatIsDefinedAnewInsteadOfWhatIsPredefined) {
  EXPECT_EQ(evaluated({parsed("DEFINE <NODE> AS \"x\"\nSET ENV \"A\" = \"<NODE>\""),
                       parsed("SET ENV \"B\" = \"<NODE>\"")})
                .env,
            (Words{"A=x", "B=north"}));
}

TEST(Evaluate, SetsVariablesToAnythingTheEnvironmentHolds) {
  EXPECT_EQ(evaluated({parsed(R"(
DEFINE <OLD> AS PROPERTY env:HOME
DEFINE <NONE> AS PROPERTY env:EMPTY
DEFINE <T> AS PROPERTY template
SET ENV "HOME" = "<OLD>/x:<OLD>"
SET ENV "A" = "<NONE>-<T>-a\nb"
)")})
                .env,
            (Words{"A=--a\nb", "HOME=/root/x:/root"}));
}

TEST(Evaluate, LeavesPathsInTheEnvironmentAsTheApplicationSeesThem) {
  Evaluated result = evaluated({parsed(
      "REDIR PATH \"/home/app\" TO \"/srv/<INSTANCE>\"\nSET ENV \"HOME\" = \"/home/app\"")});
  EXPECT_EQ(result.env, Words{"HOME=/home/app"});
}

TEST(Evaluate, LetsTheLastLayerDecideAboutAPathAndAVariable) {
  Evaluated result = evaluated({parsed(R"(
REDIR PATH "/a" TO "/everybody"
REDIR PATH "/b" TO "/everybody"
LINK "/c" TO "/everybody"
EXCEPT PATH "/d"
EXCEPT PATH "/e"
SET ENV "A" = "1"
SET ENV "B" = "1"
)",
                                       "global"),
                                parsed(R"(
LINK "/a" TO "/mine"
EXCEPT PATH "/b" READONLY
REDIR PATH "/d" TO "/mine"
SET ENV "B" = "2"
)",
                                       "office")});
  EXPECT_EQ(result.redirections, (std::vector<EvaluatedRedirection>{
                                     {.path = "/a", .to = "/mine", .is_link = true},
                                     {.path = "/c", .to = "/everybody", .is_link = true},
                                     {.path = "/d", .to = "/mine"},
                                 }));
  EXPECT_EQ(result.exceptions, (std::vector<Exception>{{"/b", true}, {"/e"}}));
  EXPECT_EQ(result.env, (Words{"A=1", "B=2"}));
  EXPECT_EQ(result.redirections.at(0).at.text(), "office:2:1");
  EXPECT_EQ(result.redirections.at(1).at.text(), "global:4:1");
}

TEST(Evaluate, DoesNotLookAtRulesThatOthersOverride) {
  Evaluated result = evaluated({parsed(R"(
DEFINE <X> AS PROPERTY env:MISSING
LINK "/a" TO "/<X>"
SET ENV "A" = "<X>"
)"),
                                parsed("LINK \"/a\" TO \"/b\"\nSET ENV \"A\" = \"1\"")});
  EXPECT_EQ(result.redirections.at(0).to, "/b");
  EXPECT_EQ(result.env, Words{"A=1"});
}

TEST(Evaluate, KeepsTheOrderOfResourceRules) {
  Evaluated result = evaluated(
      {parsed("RESOURCE file DO share\nRESOURCE shm DO refuse"), parsed("RESOURCE file DO cow")});
  ASSERT_EQ(result.resources.size(), 3U);
  EXPECT_EQ(result.resources[2].action, Action::cow);
}

TEST(Evaluate, PutsPathsBeforeWhatLiesWithin) {
  Evaluated result = evaluated({parsed(R"(
LINK "/a/b/c" TO "/1"
LINK "/a-b" TO "/2"
LINK "/a" TO "/3"
LINK "/a/b" TO "/4"
)")});
  std::vector<std::string> targets;
  for (const EvaluatedRedirection& redirection : result.redirections)
    targets.push_back(redirection.to);
  EXPECT_EQ(targets, (Words{"/3", "/2", "/4", "/1"}));
}

TEST(EvaluateRefuses, ValuesThatAreNoPartOfAName) {
  struct Value {
    std::string value, told;
  };
  for (const auto& [value, told] : {
           Value{"../../etc", "\"../../etc\" and cannot be part of a path: it holds a /"},
           Value{"..", "\"..\" and cannot be part of a path: that is no name"},
           Value{".", "\".\" and cannot be part of a path: that is no name"},
           Value{"", "\"\" and cannot be part of a path: it is empty"},
           Value{"a\nb", "\"a\\nb\" and cannot be part of a path: it holds a control character"},
           Value{std::string("a\0b", 3),
                 "\"a\\x00b\" and cannot be part of a path: it holds a control character"},
       }) {
    Variables variables = kWeb;
    variables.application_id = value;
    EXPECT_EQ(failure("# first\nLINK \"/a\" TO \"/srv/.<APPL-ID>\"", variables),
              "rules:2:1: <APPL-ID> is " + told);
  }
}

TEST(EvaluateRefuses, WhatTheEnvironmentDoesNotHave) {
  for (const char* use : {"SET ENV \"A\" = \"x<X>\"", "LINK \"/a\" TO \"/<X>\""})
    EXPECT_EQ(failure(std::string("DEFINE <X> AS PROPERTY env:HOM\n") + use),
              "rules:2:1: <X> is the environment variable HOM, which the program is not given");
  EXPECT_EQ(failure("DEFINE <X> AS PROPERTY env:EMPTY\nLINK \"/a\" TO \"/<X>\""),
            "rules:2:1: <X> is \"\" and cannot be part of a path: it is empty");
}

TEST(EvaluateRefuses, TargetsThatTurnOutToLeadBack) {
  EXPECT_EQ(failure("REDIR PATH \"/srv/web\" TO \"/srv/<APPL-ID>/x\""),
            "rules:1:1: \"/srv/web/x\": the target lies inside \"/srv/web\" itself");
  EXPECT_EQ(failure("REDIR PATH \"/srv/web\" TO \"/srv/<APPL-ID>\""),
            "rules:1:1: \"/srv/web\": the target lies inside \"/srv/web\" itself");
  Variables variables = kWeb;
  variables.application_id = "proc";
  EXPECT_EQ(failure("LINK \"/a\" TO \"/<APPL-ID>/1/root\"", variables),
            "rules:1:1: \"/proc/1/root\": nothing can lead into /proc: what is there is another "
            "thing for each who looks");
}

TEST(EvaluateRefuses, PathsThatTurnOutTooLong) {
  const std::string rule = "LINK \"/a\" TO \"/" + std::string(3000, 'x') + "<APPL-ID>\"";
  Variables variables = kWeb;
  variables.application_id = std::string(1094, 'y');
  EXPECT_EQ(evaluated({parsed(rule)}, variables).redirections.at(0).to.size(), 4095U);
  variables.application_id.push_back('y');
  EXPECT_EQ(failure(rule, variables),
            "rules:1:1: <APPL-ID> is \"" + std::string(100, 'y') +
                "\"... and makes the path longer than the 4095 bytes it can have");
}

TEST(EvaluateRefuses, EnvironmentsThatNoProgramCanBeGiven) {
  const std::string rule = "SET ENV \"A\" = \"<APPL-ID>\"";
  Variables variables = kWeb;
  variables.application_id = std::string(128 * 1024 - 3, 'y');
  EXPECT_EQ(evaluated({parsed(rule)}, variables).env.at(0).size(), 128U * 1024 - 1);
  variables.application_id.push_back('y');
  EXPECT_EQ(failure(rule, variables),
            "rules:1:1: the value is longer than the kernel takes, with the name 131071 bytes");
  variables.application_id = std::string("a\0b", 3);
  EXPECT_EQ(failure(rule, variables),
            "rules:1:1: <APPL-ID> is \"a\\x00b\" and cannot be part of an environment variable: a "
            "NUL ends it");
}

}  // namespace
}  // namespace appshot::rules
