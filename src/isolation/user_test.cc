#include "isolation/user.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

constexpr char kPasswd[] =
    "root:x:0:0:root:/root:/bin/bash\n"
    "# a comment\n"
    "broken:x\n"
    "web:x:33:34:Web,,,:/var/www:/usr/sbin/nologin\n"
    "twin:x:33:99::/elsewhere:/bin/sh\n"
    "last:x:44:44::/last:/bin/sh";
constexpr char kGroup[] =
    "root:x:0:\n"
    "web:x:34:\n"
    "ssl:x:50:web,other\n"
    "webs:x:51:webby\n"
    "log:x:52:other,web\n";

Result<User> resolve(const std::string& text) { return resolve_user(text, kPasswd, kGroup); }
using Groups = std::vector<gid_t>;

TEST(ResolveUser, ByName) {
  User user = resolve("web").value();
  EXPECT_EQ(user.uid, 33u);
  EXPECT_EQ(user.gid, 34u);
  EXPECT_EQ(user.home, "/var/www");
  EXPECT_EQ(user.groups, (Groups{34, 50, 52}));
}

TEST(ResolveUser, ByNumberTakesTheFirstEntry) {
  User user = resolve("33").value();
  EXPECT_EQ(user.gid, 34u);
  EXPECT_EQ(user.home, "/var/www");
  EXPECT_EQ(user.groups, (Groups{34, 50, 52}));
}

TEST(ResolveUser, ANumberNeedsNoEntry) {
  User user = resolve("12345").value();
  EXPECT_EQ(user.uid, 12345u);
  EXPECT_EQ(user.gid, 0u);
  EXPECT_EQ(user.groups, Groups{0});
  EXPECT_EQ(user.home, "/");
  EXPECT_EQ(resolve("12345:67").value().gid, 67u);
}

TEST(ResolveUser, AGroupCanBeGivenByNameOrNumber) {
  EXPECT_EQ(resolve("web:ssl").value().gid, 50u);
  EXPECT_EQ(resolve("web:999").value().gid, 999u);
  EXPECT_EQ(resolve("web:999").value().groups, (Groups{999, 50, 52}));
  EXPECT_EQ(resolve("web:").value().gid, 34u);
}

TEST(ResolveUser, TheLastLineNeedsNoNewline) { EXPECT_EQ(resolve("last").value().uid, 44u); }

TEST(ResolveUser, WhoIsNotThereIsAWrongUse) {
  for (const char* text : {"nobody-here", "", "-1", "99999999999", "web:nothing", "broken", "1x"}) {
    Result<User> user = resolve(text);
    ASSERT_FALSE(user) << text;
    EXPECT_EQ(user.error().cls(), ErrorClass::usage);
  }
}

}  // namespace
}  // namespace appshot
