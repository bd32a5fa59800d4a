#include "rules/parse.h"

#include <gtest/gtest.h>

namespace appshot::rules {
namespace {

Rules parsed(std::string_view text) {
  Result<Rules> rules = parse(text, "rules");
  EXPECT_TRUE(rules) << (rules ? "" : rules.error().message());
  return rules ? *rules : Rules();
}

Text literal(std::string text) { return {{{std::move(text), false}}}; }
Piece variable(std::string name) { return {std::move(name), true}; }

TEST(Parse, ReadsEveryStatement) {
  Rules rules = parsed(R"(# What the documents show.
DEFINE <APP> AS PROPERTY application-id
DEFINE <ME> AS "me"
DEFINE <USER> AS PROPERTY env:USER
REDIR PATH "/user/app/config" TO "/usr/app/<APP>/config" CREATE COPY
LINK "/etc/app/current" TO "/srv/<NODE>/<APP>" CREATE
SET ENV "HOME" = "/usr/app/<APPL-ID>"
EXCEPT PATH "/srv/shared" READONLY
RESOURCE file PATH "/var/**" ON create,write DO cow
)");
  Rules expected;
  expected.definitions = {{"APP", Property::application_id},
                          {"ME", Property::literal, "me"},
                          {"USER", Property::env, "USER"}};
  expected.redirections = {{.path = "/user/app/config",
                            .to = {{{"/usr/app/"}, variable("APP"), {"/config"}}},
                            .create = true,
                            .copy = true}};
  expected.links = {{.path = "/etc/app/current",
                     .to = {{{"/srv/"}, variable("NODE"), {"/"}, variable("APP")}},
                     .create = true}};
  expected.settings = {{"HOME", {{{"/usr/app/"}, variable("APPL-ID")}}}};
  expected.exceptions = {{"/srv/shared", true}};
  expected.resources = {{ResourceType::file, PathPattern{"/var/**"},
                         static_cast<uint8_t>(Access::create) | static_cast<uint8_t>(Access::write),
                         Action::cow}};
  EXPECT_EQ(rules, expected);
}

TEST(Parse, KnowsWhereEachStatementStands) {
  Rules rules = parsed("\n  REDIR PATH \"/a\" TO \"/b\"\n\tSET ENV \"\xc3\xa9\" = \"1\"\n");
  EXPECT_EQ(rules.redirections.at(0).at.text(), "rules:2:3");
  EXPECT_EQ(rules.settings.at(0).at.text(), "rules:3:2");
}

TEST(Parse, TakesStatementsThatSpreadOverLines) {
  Rules rules = parsed(R"(
REDIR
  PATH "/a"     # from
  TO   "/b"     # to
  READONLY
  CREATE
LINK "/c"
  TO "/d"
RESOURCE shm KEY
  7
  ON read,
  write DO
  share
)");
  EXPECT_EQ(rules.resources.at(0).which, Selector(KeyPattern{7}));
  EXPECT_EQ(rules.redirections,
            (std::vector<Redirection>{
                {.path = "/a", .to = literal("/b"), .create = true, .readonly = true}}));
  EXPECT_EQ(rules.links, (std::vector<Link>{{.path = "/c", .to = literal("/d")}}));
}

TEST(Parse, TakesWordsInUpperAndLowerCase) {
  EXPECT_EQ(parsed("define <x> as property Application-ID\nredir path \"/a\" to \"/b\" ReadOnly"),
            parsed("DEFINE <x> AS PROPERTY application-id\nREDIR PATH \"/a\" TO \"/b\" READONLY"));
}

TEST(Parse, KnowsVariablesByTheCaseOfTheirNames) {
  Rules rules = parsed("DEFINE <node> AS \"mine\"\nSET ENV \"A\" = \"<node><NODE>\"");
  EXPECT_EQ(rules.settings.at(0).value, (Text{{variable("node"), variable("NODE")}}));
}

TEST(Parse, ReadsWhatIsEscapedInStrings) {
  EXPECT_EQ(parsed(R"(SET ENV "A" = "a\"b\\c\nd\te\x7fF\xc3\xA9<<x>>")").settings.at(0).value,
            literal("a\"b\\c\nd\te\x7f"
                    "F\xc3\xa9<x>>"));
  EXPECT_EQ(parsed(R"(SET ENV "A" = "")").settings.at(0).value, Text{});
  EXPECT_EQ(parsed("SET ENV \"A\" = \"# no comment\"").settings.at(0).value,
            literal("# no comment"));
}

TEST(Parse, CleansPathsOfSlashes) {
  for (auto [written, clean] : {std::pair{"//a///b//", "/a/b"}, {"/a/", "/a"}, {"/a", "/a"}}) {
    Rules rules = parsed(std::string("EXCEPT PATH \"") + written + "\"");
    EXPECT_EQ(rules.exceptions.at(0).path, clean);
  }
  auto target = [](const std::string& text) {
    return parsed("LINK \"/a\" TO \"" + text + "\"").links.at(0).to;
  };
  EXPECT_EQ(target("//srv//<NODE>//x//"), (Text{{{"/srv/"}, variable("NODE"), {"/x"}}}));
  EXPECT_EQ(target("/srv/<NODE>/"), (Text{{{"/srv/"}, variable("NODE")}}));
  EXPECT_EQ(target("/<NODE>//"), (Text{{{"/"}, variable("NODE")}}));
  EXPECT_EQ(target("/<NODE><INSTANCE>"), (Text{{{"/"}, variable("NODE"), variable("INSTANCE")}}));
  EXPECT_EQ(target("//"), literal("/"));
}

TEST(Parse, TakesNamesThatOnlyLookLikeDots) {
  EXPECT_EQ(parsed("EXCEPT PATH \"/a/.../.b/..c\"").exceptions.at(0).path, "/a/.../.b/..c");
  EXPECT_EQ(parsed("LINK \"/a\" TO \"/b/..<NODE>\"").links.size(), 1U);
}

TEST(Parse, DefinesAnewWhatIsPredefined) {
  Rules rules = parsed("DEFINE <NODE> AS \"n\"\nLINK \"/a\" TO \"/<NODE>\"");
  EXPECT_EQ(rules.definitions, (std::vector<Definition>{{"NODE", Property::literal, "n"}}));
}

TEST(Parse, ReadsWhichResourcesAreMeant) {
  auto which = [](const std::string& text) {
    return parsed("RESOURCE " + text + " DO share").resources.at(0).which;
  };
  EXPECT_EQ(which("memory"), Selector());
  EXPECT_EQ(which("pipe PATH \"/run/*\""), Selector(PathPattern{"/run/*"}));
  EXPECT_EQ(which("shm KEY 0x1F"), Selector(KeyPattern{31}));
  EXPECT_EQ(which("sem KEY 4294967295"), Selector(KeyPattern{0xffffffff}));
  EXPECT_EQ(which("msg KEY *"), Selector(KeyPattern{}));
  EXPECT_EQ(which("port PORT 80"), Selector(PortPattern{80, 80}));
  EXPECT_EQ(which("socket PORT 8000-65535"), Selector(PortPattern{8000, 65535}));
}

TEST(Parse, TakesAnEmptyText) {
  EXPECT_EQ(parsed(""), Rules());
  EXPECT_EQ(parsed("  \r\n# only this"), Rules());
}

TEST(Parse, TakesLinesAsOtherSystemsEndThem) {
  EXPECT_EQ(parsed("LINK \"/a\" TO \"/b\"\r\nLINK \"/c\" TO \"/d\"\r\n").links.size(), 2U);
}

TEST(Parse, TakesTextsAndStringsUpToTheirLimits) {
  std::string longest(4096, 'x');
  EXPECT_EQ(parsed("SET ENV \"A\" = \"" + longest + "\"").settings.at(0).value, literal(longest));
  std::string many;
  for (size_t i = 0; i < kStatementsMax; ++i)
    many += "LINK \"/a" + std::to_string(i) + "\" TO \"/b\"\n";
  many.resize(kTextBytesMax, ' ');
  EXPECT_EQ(parsed(many).links.size(), kStatementsMax);
}

}  // namespace
}  // namespace appshot::rules
