#include "rules/match.h"

#include <gtest/gtest.h>

#include "rules/glob.h"
#include "rules/parse.h"

namespace appshot::rules {
namespace {

struct Match {
  std::string_view pattern;
  std::string_view path;
  bool matches;
};

TEST(Glob, MatchesNamesAndFolders) {
  for (const auto& [pattern, path, matches] : {
           Match{"/a", "/a", true},
           Match{"/a", "/ab", false},
           Match{"/a", "/a/b", false},
           Match{"/a*", "/a", true},
           Match{"/a*", "/abc", true},
           Match{"/a*", "/ab/c", false},
           Match{"/*/c", "/ab/c", true},
           Match{"/*/c", "/a/b/c", false},
           Match{"/a?", "/ab", true},
           Match{"/a?", "/a", false},
           Match{"/a?b", "/a/b", false},
           Match{"/a?b",
                 "/a\xc3\xa9"
                 "b",
                 true},
           Match{"/a??b",
                 "/a\xc3\xa9"
                 "b",
                 false},
           Match{"/a/**", "/a/b", true},
           Match{"/a/**", "/a/b/c", true},
           Match{"/a/**", "/a", false},
           Match{"/a/**", "/ab", false},
           Match{"/a**", "/ab/c", true},
           Match{"/a***", "/ab/c", true},
           Match{"/**", "/", true},
           Match{"/**", "/a/b", true},
           Match{"/**/b", "/b", true},
           Match{"/a/**/b", "/a/b", true},
           Match{"/a/**/b", "/a/x/b", true},
           Match{"/a/**/b", "/a/x/y/b", true},
           Match{"/a/**/b", "/a/xb", false},
           Match{"/a/**/b", "/a/b/c", false},
           Match{"/a/**/**/b", "/a/b", true},
           Match{"/a/**/*.so", "/a/x.so", true},
           Match{"/a/**/*.so", "/a/b/x.so", true},
           Match{"/a/**/*.so*/c", "/a/b/c/x.so.1/c", true},
           Match{"/*a*b*", "/xxaxxbxx", true},
           Match{"/*a*b*", "/xxbxxaxx", false},
           Match{"/[a]", "/[a]", true},
           Match{"/[a]", "/a", false},
           Match{"/a\xff?", "/a\xff\xfe", true},
       })
    EXPECT_EQ(glob_matches(pattern, path), matches) << pattern << " " << path;
}

TEST(Glob, TakesNoTimeForManyStars) {
  std::string pattern = "/";
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  EXPECT_FALSE(glob_matches(pattern, "/" + std::string(1200, 'a') + "b"));
  EXPECT_TRUE(glob_matches(pattern, "/" + std::string(1200, 'a')));
}

std::vector<ResourceRule> rules_of(std::string_view text) {
  Result<Rules> rules = parse(text, "rules");
  EXPECT_TRUE(rules) << (rules ? "" : rules.error().message());
  return rules ? rules->resources : std::vector<ResourceRule>();
}

// Line of the rule; 0: none.
size_t deciding_line(std::span<const ResourceRule> rules, const Resource& resource) {
  const ResourceRule* rule = deciding_rule(rules, resource);
  return rule ? rule->at.line : 0;
}

TEST(DecidingRule, IsTheLastThatMatches) {
  auto rules = rules_of(R"(RESOURCE file DO cow
RESOURCE file PATH "/var/**" DO duplicate
RESOURCE file PATH "/var/log/*" ON write,create DO share
RESOURCE memory DO refuse)");
  auto file = [&](Access access, std::string path) {
    return deciding_line(rules,
                         {.type = ResourceType::file, .access = access, .path = std::move(path)});
  };
  EXPECT_EQ(file(Access::read, "/etc/x"), 1U);
  EXPECT_EQ(file(Access::read, ""), 1U);
  EXPECT_EQ(file(Access::read, "/var/x"), 2U);
  EXPECT_EQ(file(Access::read, "/var/log/x"), 2U);
  EXPECT_EQ(file(Access::write, "/var/log/x"), 3U);
  EXPECT_EQ(file(Access::create, "/var/log/x"), 3U);
  EXPECT_EQ(file(Access::destroy, "/var/log/x"), 2U);
  EXPECT_EQ(deciding_line(rules, {.type = ResourceType::memory}), 4U);
  EXPECT_EQ(deciding_line(rules, {.type = ResourceType::shm}), 0U);
}

TEST(DecidingRule, KnowsResourcesByKeyAndPort) {
  auto rules = rules_of(R"(RESOURCE shm KEY * DO share
RESOURCE shm KEY 0x10 DO cow
RESOURCE shm PATH "/x" DO refuse
RESOURCE port PORT 80-90 DO multiplex
RESOURCE port PORT 85 DO refuse)");
  auto shm = [](std::optional<uint32_t> key, std::string path = "") {
    return Resource{.type = ResourceType::shm, .path = std::move(path), .key = key};
  };
  EXPECT_EQ(deciding_line(rules, shm(7)), 1U);
  EXPECT_EQ(deciding_line(rules, shm(16)), 2U);
  EXPECT_EQ(deciding_line(rules, shm({}, "/x")), 3U);
  EXPECT_EQ(deciding_line(rules, shm({}, "/y")), 0U);
  auto port = [](std::optional<uint16_t> number) {
    return Resource{.type = ResourceType::port, .port = number};
  };
  for (auto [number, line] : {std::pair{79, 0U}, {80, 4U}, {90, 4U}, {91, 0U}, {85, 5U}})
    EXPECT_EQ(deciding_line(rules, port(number)), line) << number;
  EXPECT_EQ(deciding_line(rules, port({})), 0U);
}

}  // namespace
}  // namespace appshot::rules
