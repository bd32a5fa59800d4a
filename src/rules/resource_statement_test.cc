#include "rules/refusal_for_test.h"

namespace appshot::rules {
namespace {

TEST(ResourceStatement, RefusesWhatNoResourceIs) {
  expect_refused({
      {R"(RESOURCE files DO share)",
       R"(rules:1:10: expected a type of resources (file, memory, shm, sem, msg, port, address, pipe, socket, terminal or device), not files; did you mean file?
  RESOURCE files DO share
           ^)"},
      {R"(RESOURCE file PATHS "/a" DO share)",
       R"(rules:1:15: expected PATH, KEY, PORT, ON or DO, not PATHS; did you mean PATH?
  RESOURCE file PATHS "/a" DO share
                ^)"},
      {R"(RESOURCE file KEY 1 DO share
RESOURCE port PATH "/a" DO share)",
       R"(rules:1:15: resources of the type file have no KEY
  RESOURCE file KEY 1 DO share
                ^
rules:2:15: resources of the type port have no PATH
  RESOURCE port PATH "/a" DO share
                ^)"},
      {R"(RESOURCE file PATH "a*" DO share
RESOURCE file PATH "/<NODE>" DO share)",
       R"(rules:1:21: a path must be absolute: begin with /
  RESOURCE file PATH "a*" DO share
                      ^
rules:2:22: the path an application sees cannot hold variables
  RESOURCE file PATH "/<NODE>" DO share
                       ^)"},
  });
}

TEST(ResourceStatement, RefusesWhatNoKeyIs) {
  expect_refused({
      {R"(RESOURCE shm KEY 4294967296 DO share
RESOURCE shm KEY 0x DO share
RESOURCE sem KEY 1* DO share)",
       R"(rules:1:18: a key is a number up to 4294967295, 0x and hexadecimal digits, or *
  RESOURCE shm KEY 4294967296 DO share
                   ^
rules:2:18: a key is a number up to 4294967295, 0x and hexadecimal digits, or *
  RESOURCE shm KEY 0x DO share
                   ^
rules:3:18: a key is a number up to 4294967295, 0x and hexadecimal digits, or *
  RESOURCE sem KEY 1* DO share
                   ^)"},
      {R"(RESOURCE shm KEY "1" DO share)",
       R"(rules:1:18: expected a number or *, not a string
  RESOURCE shm KEY "1" DO share
                   ^)"},
  });
}

TEST(ResourceStatement, RefusesWhatNoPortIs) {
  expect_refused({
      {R"(RESOURCE port PORT 0 DO share
RESOURCE port PORT 9-8 DO share
RESOURCE port PORT 65536 DO share
RESOURCE port PORT 1- DO share
RESOURCE port PORT -1 DO share
RESOURCE port PORT 1-2-3 DO share)",
       R"(rules:1:20: a port is a number from 1 to 65535, or two, the lower one first: 80-90
  RESOURCE port PORT 0 DO share
                     ^
rules:2:20: a port is a number from 1 to 65535, or two, the lower one first: 80-90
  RESOURCE port PORT 9-8 DO share
                     ^
rules:3:20: a port is a number from 1 to 65535, or two, the lower one first: 80-90
  RESOURCE port PORT 65536 DO share
                     ^
rules:4:20: a port is a number from 1 to 65535, or two, the lower one first: 80-90
  RESOURCE port PORT 1- DO share
                     ^
rules:5:20: a port is a number from 1 to 65535, or two, the lower one first: 80-90
  RESOURCE port PORT -1 DO share
                     ^
rules:6:20: a port is a number from 1 to 65535, or two, the lower one first: 80-90
  RESOURCE port PORT 1-2-3 DO share
                     ^)"},
  });
}

TEST(ResourceStatement, RefusesWhatNoAccessIs) {
  expect_refused({
      {R"(RESOURCE file ON read,, write DO share)",
       R"(rules:1:23: expected an access (create, read, write or destroy), not ,
  RESOURCE file ON read,, write DO share
                        ^)"},
      {R"(RESOURCE file ON read read DO share)",
       R"(rules:1:23: expected DO, not read
  RESOURCE file ON read read DO share
                        ^)"},
      {R"(RESOURCE file ON DO share)",
       R"(rules:1:18: expected an access (create, read, write or destroy), not DO
  RESOURCE file ON DO share
                   ^)"},
  });
}

TEST(ResourceStatement, RefusesWhatCannotBeDone) {
  expect_refused({
      {R"(RESOURCE file DO dup)",
       R"(rules:1:18: expected an action (share, cow, duplicate, virtualise, multiplex, allocate or refuse), not dup; did you mean duplicate?
  RESOURCE file DO dup
                   ^)"},
      {R"(RESOURCE file share)",
       R"(rules:1:15: expected PATH, KEY, PORT, ON or DO, not share
  RESOURCE file share
                ^)"},
      {R"(RESOURCE pipe DO cow
RESOURCE file DO multiplex
RESOURCE memory DO allocate)",
       R"(rules:1:18: cow means nothing for the type pipe
  RESOURCE pipe DO cow
                   ^
rules:2:18: multiplex means nothing for the type file
  RESOURCE file DO multiplex
                   ^
rules:3:20: allocate means nothing for the type memory
  RESOURCE memory DO allocate
                     ^)"},
  });
}

}  // namespace
}  // namespace appshot::rules
