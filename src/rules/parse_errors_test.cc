#include "rules/refusal_for_test.h"

namespace appshot::rules {
namespace {

TEST(ParseErrors, TellWhatBeginsAStatement) {
  expect_refused({
      {R"(REDIRECT PATH "/a" TO "/b")",
       R"(rules:1:1: a statement begins with DEFINE, REDIR, LINK, SET, EXCEPT or RESOURCE; did you mean REDIR?
  REDIRECT PATH "/a" TO "/b"
  ^)"},
      {R"(FOO)",
       R"(rules:1:1: a statement begins with DEFINE, REDIR, LINK, SET, EXCEPT or RESOURCE
  FOO
  ^)"},
      {R"("x")",
       R"(rules:1:1: a statement begins with DEFINE, REDIR, LINK, SET, EXCEPT or RESOURCE
  "x"
  ^)"},
      {R"($ § REDIR)",
       R"(rules:1:1: a statement begins with DEFINE, REDIR, LINK, SET, EXCEPT or RESOURCE
  $ § REDIR
  ^)"},
  });
}

TEST(ParseErrors, TellWhatWasExpected) {
  expect_refused({
      {R"(REDIR "/a" TO "/b")",
       R"(rules:1:7: expected PATH, not a string
  REDIR "/a" TO "/b"
        ^)"},
      {R"(REDIR PATH /usr/a TO "/b")",
       R"(rules:1:12: expected a path in double quotes, not /usr/a
  REDIR PATH /usr/a TO "/b"
             ^)"},
      {R"(REDIR PATH "/a" "/b")",
       R"(rules:1:17: expected TO, not a string
  REDIR PATH "/a" "/b"
                  ^)"},
      {R"(REDIR PATH "/a" TO "/b" CREAT)",
       R"(rules:1:25: expected CREATE, READONLY, COPY or the end of the statement, not CREAT; did you mean CREATE?
  REDIR PATH "/a" TO "/b" CREAT
                          ^)"},
      {R"(LINK "/a" TO "/b" COPY)",
       R"(rules:1:19: expected CREATE or the end of the statement, not COPY
  LINK "/a" TO "/b" COPY
                    ^)"},
      {R"(EXCEPT PATH "/b" CREATE)",
       R"(rules:1:18: expected READONLY or the end of the statement, not CREATE
  EXCEPT PATH "/b" CREATE
                   ^)"},
      {R"(LINK "/a" TO "/b" "/c")",
       R"(rules:1:19: expected CREATE or the end of the statement, not a string
  LINK "/a" TO "/b" "/c"
                    ^)"},
      {R"(SET ENV "A" = <NODE>)",
       R"(rules:1:15: expected a value in double quotes, not <NODE>
  SET ENV "A" = <NODE>
                ^)"},
      {R"(SET ENV "A" "x"
SET "A" = "x")",
       R"(rules:1:13: expected =, not a string
  SET ENV "A" "x"
              ^
rules:2:5: expected ENV, not a string
  SET "A" = "x"
      ^)"},
      {R"(DEFINE NODE AS "x")",
       R"(rules:1:8: expected a variable (<NAME>), not NODE
  DEFINE NODE AS "x"
         ^)"},
      {R"(DEFINE <A> PROPERTY node)",
       R"(rules:1:12: expected AS, not PROPERTY
  DEFINE <A> PROPERTY node
             ^)"},
      {R"(DEFINE <A> AS instance)",
       R"(rules:1:15: expected PROPERTY or a string in double quotes, not instance
  DEFINE <A> AS instance
                ^)"},
      {R"(DEFINE <A> AS PROPERTY nod)",
       R"(rules:1:24: expected env:NAME or a property (application-id, instance, node, environment or template), not nod; did you mean node?
  DEFINE <A> AS PROPERTY nod
                         ^)"},
  });
}

TEST(ParseErrors, TellWhereSomethingIsMissing) {
  expect_refused({
      {R"(REDIR PATH "/a" TO   # and then

SET ENV "A" = "b")",
       R"(rules:1:19: a path in double quotes is missing here
  REDIR PATH "/a" TO   # and then
                    ^)"},
      {R"(RESOURCE shm KEY
RESOURCE file PATH
RESOURCE file)",
       R"(rules:1:17: a number or * is missing here
  RESOURCE shm KEY
                  ^
rules:2:19: a pattern of paths in double quotes is missing here
  RESOURCE file PATH
                    ^
rules:3:14: PATH, KEY, PORT, ON or DO is missing here
  RESOURCE file
               ^)"},
      {R"(DEFINE)",
       R"(rules:1:7: a variable (<NAME>) is missing here
  DEFINE
        ^)"},
  });
}

TEST(ParseErrors, TellWhatIsWrongOnALaterLineOfAStatement) {
  expect_refused({
      {R"(REDIR
  PATHS "/a"
  TO "/b")",
       R"(rules:2:3: expected PATH, not PATHS; did you mean PATH?
    PATHS "/a"
    ^)"},
      {R"(RESOURCE shm KEY
  "1"
  DO share)",
       R"(rules:2:3: expected a number or *, not a string
    "1"
    ^)"},
  });
}

TEST(ParseErrors, TellOfAWrongDefinitionOnlyThere) {
  expect_refused({
      {R"(DEFINE <A> AS "/srv/<NODE>"
DEFINE <B> AS PROPERTY nobody
LINK "/a" TO "/<A>/<B>")",
       R"(rules:1:21: what a variable is defined as cannot hold variables
  DEFINE <A> AS "/srv/<NODE>"
                      ^
rules:2:24: expected env:NAME or a property (application-id, instance, node, environment or template), not nobody
  DEFINE <B> AS PROPERTY nobody
                         ^)"},
  });
}

TEST(ParseErrors, TellThatStatementsBeginLines) {
  expect_refused({
      {R"(LINK "/a" TO "/b" LINK "/c" TO "/d")",
       R"(rules:1:19: a statement begins on a line of its own
  LINK "/a" TO "/b" LINK "/c" TO "/d"
                    ^)"},
  });
}

TEST(ParseErrors, TellWhatStandsTwice) {
  expect_refused({
      {R"(REDIR PATH "/a" TO "/b" CREATE create)",
       R"(rules:1:32: CREATE stands here twice
  REDIR PATH "/a" TO "/b" CREATE create
                                 ^)"},
      {R"(RESOURCE file ON read,read DO share)",
       R"(rules:1:23: read stands here twice
  RESOURCE file ON read,read DO share
                        ^)"},
  });
}

TEST(ParseErrors, TellWhatIsWrongInStrings) {
  expect_refused({
      {R"(LINK "/a
LINK "/c" TO "/d)",
       R"(rules:1:6: this string is not closed; it ends with " on the same line
  LINK "/a
       ^
rules:2:14: this string is not closed; it ends with " on the same line
  LINK "/c" TO "/d
               ^)"},
      {R"(LINK "/a\q" TO "/\xg1")",
       R"(rules:1:9: in a string \ is followed by one of " \ n t x; a \ itself is written \\
  LINK "/a\q" TO "/\xg1"
          ^
rules:1:18: \x is followed by two hexadecimal digits
  LINK "/a\q" TO "/\xg1"
                   ^)"},
      {R"(LINK "/a\x00" TO "/b	")",
       R"(rules:1:9: a string cannot hold a NUL
  LINK "/a\x00" TO "/b	"
          ^
rules:1:21: in a string a tab is written \t
  LINK "/a\x00" TO "/b	"
                      ^)"},
      {R"(LINK "/a\)",
       R"(rules:1:6: this string is not closed; it ends with " on the same line
  LINK "/a\
       ^)"},
      {R"(SET ENV "A" = "a < b")",
       R"(rules:1:18: < begins a variable, <NAME>; a < itself is written <<
  SET ENV "A" = "a < b"
                   ^)"},
      {R"(SET ENV "A" = "<>")",
       R"(rules:1:16: < begins a variable, <NAME>; a < itself is written <<
  SET ENV "A" = "<>"
                 ^)"},
      {R"(SET ENV "A" = "<1A>")",
       R"(rules:1:16: < begins a variable, <NAME>; a < itself is written <<
  SET ENV "A" = "<1A>"
                 ^)"},
      {R"(SET ENV "A" = "<A)",
       R"(rules:1:15: this string is not closed; it ends with " on the same line
  SET ENV "A" = "<A
                ^
rules:1:16: < begins a variable, <NAME>; a < itself is written <<
  SET ENV "A" = "<A
                 ^)"},
  });
}

TEST(ParseErrors, TellWhatIsNoVariable) {
  expect_refused({
      {R"(DEFINE <A B> AS "x")",
       R"(rules:1:8: this is no variable: they are written <NAME>, a letter and then up to 63 letters, digits, - and _
  DEFINE <A B> AS "x"
         ^)"},
      {R"(DEFINE <A)",
       R"(rules:1:8: this is no variable: they are written <NAME>, a letter and then up to 63 letters, digits, - and _
  DEFINE <A
         ^)"},
      {R"(DEFINE <xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx> AS "x")",
       R"(rules:1:8: this is no variable: they are written <NAME>, a letter and then up to 63 letters, digits, - and _
  DEFINE <xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx> AS "x"
         ^)"},
  });
}

TEST(ParseErrors, TellWhatIsNotDefined) {
  expect_refused({
      {R"(# the third line

REDIR PATH "/a" TO "/usr/<APPLID>/b")",
       R"(rules:3:27: <APPLID> is not defined; did you mean <APPL-ID>?
  REDIR PATH "/a" TO "/usr/<APPLID>/b"
                            ^)"},
      {R"(SET ENV "A" = "<X>")",
       R"(rules:1:17: <X> is not defined
  SET ENV "A" = "<X>"
                  ^)"},
      {R"(DEFINE <BASE> AS "x"
SET ENV "A" = "<base><Node>")",
       R"(rules:2:17: <base> is not defined; did you mean <BASE>?
  SET ENV "A" = "<base><Node>"
                  ^
rules:2:23: <Node> is not defined; did you mean <NODE>?
  SET ENV "A" = "<base><Node>"
                        ^)"},
      {R"(SET ENV "A" = "<LATER>"
DEFINE <LATER> AS "x")",
       R"(rules:1:17: <LATER> is not defined
  SET ENV "A" = "<LATER>"
                  ^)"},
  });
}

TEST(ParseErrors, TellWhatIsDefinedWrongly) {
  expect_refused({
      {R"(DEFINE <A> AS PROPERTY env:)",
       R"(rules:1:24: env: is followed by the name of a variable: env:HOME
  DEFINE <A> AS PROPERTY env:
                         ^)"},
      {R"(DEFINE <A> AS PROPERTY env:A-B)",
       R"(rules:1:24: env: is followed by the name of a variable: env:HOME
  DEFINE <A> AS PROPERTY env:A-B
                         ^)"},
      {R"(DEFINE <A> AS "x<NODE>")",
       R"(rules:1:17: what a variable is defined as cannot hold variables
  DEFINE <A> AS "x<NODE>"
                  ^)"},
      {R"(DEFINE <A> AS "x"
DEFINE <A> AS "y")",
       R"(rules:2:8: <A> has been defined in line 1
  DEFINE <A> AS "y"
         ^)"},
      {R"(SET ENV "A" = "<NODE>"
DEFINE <NODE> AS "y")",
       R"(rules:2:8: <NODE> has been used above; what defines it anew must come before
  DEFINE <NODE> AS "y"
         ^)"},
  });
}

TEST(ParseErrors, CountColumnsInCharactersAndKeepTabs) {
  expect_refused({
      {R"(SET ENV "A" = "é§<X>"
	SET ENV	"B" =	"<Y>")",
       R"(rules:1:19: <X> is not defined
  SET ENV "A" = "é§<X>"
                    ^
rules:2:18: <Y> is not defined
  	SET ENV	"B" =	"<Y>"
  	       	     	  ^)"},
  });
}

TEST(ParseErrors, GoOnWithTheNextStatement) {
  expect_refused({
      {R"(REDIR PATH TO "/b"
  CREATE
# LINK
LINK "a" TO "/b"
FOO
SET ENV "A" = "<B>"
LINK "/c" TO "/d"
SET ENV = "x")",
       R"(rules:1:12: expected a path in double quotes, not TO
  REDIR PATH TO "/b"
             ^
rules:4:7: a path must be absolute: begin with /
  LINK "a" TO "/b"
        ^
rules:5:1: a statement begins with DEFINE, REDIR, LINK, SET, EXCEPT or RESOURCE
  FOO
  ^
rules:6:17: <B> is not defined
  SET ENV "A" = "<B>"
                  ^
rules:8:9: expected the name of a variable in double quotes, not =
  SET ENV = "x"
          ^)"},
  });
}

}  // namespace
}  // namespace appshot::rules
