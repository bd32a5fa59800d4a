#include "rules/resolve.h"

#include <gtest/gtest.h>

#include "rules/parse.h"

namespace appshot::rules {
namespace {

Evaluated evaluated(std::string_view text) {
  Result<Rules> rules = parse(text, "rules");
  EXPECT_TRUE(rules) << (rules ? "" : rules.error().message());
  if (!rules) return {};
  Result<Evaluated> result = evaluate({*rules}, {.application_id = "web",
                                                 .instance = "web-2",
                                                 .node = "north",
                                                 .environment = "office",
                                                 .template_name = {},
                                                 .env = {}});
  EXPECT_TRUE(result) << (result ? "" : result.error().message());
  return result ? *result : Evaluated();
}

// Paths, and where they go.
void expect_ways(const Evaluated& rules,
                 std::initializer_list<std::pair<std::string, std::string>> ways) {
  for (const auto& [from, to] : ways) EXPECT_EQ(resolve(rules, from).path, to) << from;
}

TEST(Resolve, LeavesPathsOfWhichNoRuleSpeaks) {
  Evaluated rules = evaluated("REDIR PATH \"/a/b\" TO \"/c\"");
  for (const char* path : {"/", "/a", "/a/bc", "/a/c", "/ab", "/x"}) {
    Resolution resolution = resolve(rules, path);
    EXPECT_EQ(resolution.path, path);
    EXPECT_TRUE(resolution.steps.empty());
    EXPECT_FALSE(resolution.is_public);
  }
}

TEST(Resolve, LeadsAPathAndWhatIsBelowToTheTarget) {
  expect_ways(
      evaluated("REDIR PATH \"/user/app\" TO \"/usr/<APPL-ID>\"\nLINK \"/l\" TO \"/\""),
      {{"/user/app", "/usr/web"}, {"/user/app/x/y", "/usr/web/x/y"}, {"/l", "/"}, {"/l/x", "/x"}});
}

TEST(Resolve, TakesTheDeepestRule) {
  expect_ways(evaluated(R"(
REDIR PATH "/a" TO "/1"
REDIR PATH "/a/b" TO "/2"
EXCEPT PATH "/a/b/c"
LINK "/a/b/c/d" TO "/3"
)"),
              {{"/a/x", "/1/x"},
               {"/a/bb", "/1/bb"},
               {"/a/b", "/2"},
               {"/a/b/x", "/2/x"},
               {"/a/b/c", "/a/b/c"},
               {"/a/b/c/x", "/a/b/c/x"},
               {"/a/b/c/d/x", "/3/x"}});
}

TEST(Resolve, FindsTargetsWhereNothingIsRedirected) {
  expect_ways(evaluated("REDIR PATH \"/a\" TO \"/b\"\nREDIR PATH \"/b\" TO \"/a\""),
              {{"/a/x", "/b/x"}, {"/b/x", "/a/x"}});
}

TEST(Resolve, TellsWhatIsPublic) {
  Evaluated rules = evaluated("EXCEPT PATH \"/srv/shared\"\nREDIR PATH \"/srv\" TO \"/own\"");
  EXPECT_TRUE(resolve(rules, "/srv/shared").is_public);
  EXPECT_TRUE(resolve(rules, "/srv/shared/x").is_public);
  EXPECT_FALSE(resolve(rules, "/srv/sharedx").is_public);
  EXPECT_FALSE(resolve(rules, "/srv/x").is_public);
}

TEST(Resolve, FindsPublicPathsInTheWorldBelow) {
  Evaluated rules = evaluated("REDIR PATH \"/data\" TO \"/srv/x\"\nEXCEPT PATH \"/srv\" READONLY");
  Resolution resolution = resolve(rules, "/data/y");
  EXPECT_EQ(resolution.path, "/srv/x/y");
  EXPECT_TRUE(resolution.is_public);
  EXPECT_EQ(resolution.steps,
            (std::vector<Step>{{"REDIR PATH \"/data\" TO \"/srv/x\"", "rules:1:1"},
                               {"EXCEPT PATH \"/srv\"", "rules:2:1"}}));
}

TEST(Resolve, TellsByWhichRule) {
  Evaluated rules = evaluated("\nLINK \"/a\" TO \"/srv/<NODE>\"\n  EXCEPT PATH \"/b\"");
  EXPECT_EQ(resolve(rules, "/a/x").steps,
            (std::vector<Step>{{"LINK \"/a\" TO \"/srv/north\"", "rules:2:1"}}));
  EXPECT_EQ(resolve(rules, "/b/x").steps, (std::vector<Step>{{"EXCEPT PATH \"/b\"", "rules:3:3"}}));
}

TEST(Resolve, LeavesInPlaceWhatInstancesHaveOfTheirOwn) {
  Evaluated rules = evaluated("REDIR PATH \"/run\" TO \"/srv/run\"\nEXCEPT PATH \"/dev/dri\"");
  expect_ways(rules, {{"/run", "/srv/run"},
                      {"/run/x", "/srv/run/x"},
                      {"/run/appshot", "/run/appshot"},
                      {"/run/appshot/aid", "/run/appshot/aid"}});
  EXPECT_TRUE(resolve(rules, "/dev/dri/card0").is_public);
  EXPECT_FALSE(resolve(rules, "/dev/null").is_public);
  EXPECT_FALSE(resolve(evaluated("EXCEPT PATH \"/run\""), "/run/appshot/aid").is_public);
}

TEST(PublicName, IsTheNameBeforeTheRedirection) {
  Evaluated rules = evaluated("REDIR PATH \"/user/app\" TO \"/usr/<APPL-ID>\"");
  EXPECT_EQ(public_name(rules, "/usr/web"), "/user/app");
  EXPECT_EQ(public_name(rules, "/usr/web/x"), "/user/app/x");
  EXPECT_EQ(public_name(rules, "/usr/webx"), "/usr/webx");
  EXPECT_EQ(public_name(rules, "/x"), "/x");
  EXPECT_EQ(public_name(evaluated("LINK \"/l\" TO \"/\""), "/x"), "/l/x");
  EXPECT_EQ(public_name(evaluated("LINK \"/l\" TO \"/\""), "/"), "/l");
}

TEST(PublicName, IsOfTheDeepestTarget) {
  Evaluated rules = evaluated("REDIR PATH \"/a\" TO \"/t\"\nREDIR PATH \"/b\" TO \"/t/u\"");
  EXPECT_EQ(public_name(rules, "/t/u/x"), "/b/x");
  EXPECT_EQ(public_name(rules, "/t/x"), "/a/x");
}

TEST(PublicName, IsNoNameThatLeadsElsewhere) {
  // /t/b is seen neither as /a/b, which leads to /u, nor as /t/b, which leads to /v/b.
  Evaluated rules = evaluated(R"(
REDIR PATH "/a" TO "/t"
REDIR PATH "/a/b" TO "/u"
REDIR PATH "/t" TO "/v"
)");
  EXPECT_EQ(public_name(rules, "/t/c"), "/a/c");
  EXPECT_EQ(public_name(rules, "/t/b/x"), std::nullopt);
  EXPECT_EQ(public_name(rules, "/u/x"), "/a/b/x");
  EXPECT_EQ(public_name(rules, "/a/x"), std::nullopt);
}

}  // namespace
}  // namespace appshot::rules
