#include "base/result.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

Result<int> fails() { return Error(ErrorClass::conflict, "taken").hint("choose another"); }
Result<> fails_too() { return Error(ErrorClass::gone, "it died"); }

Result<int> passes_on() { return TRY(fails()) + 1; }

TEST(Result, SaysWhatAnErrorHappenedWithin) {
  auto failed = fails().within("port 80").within("web");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "web: port 80: taken");
  EXPECT_EQ(failed.error().hint(), "choose another");
  EXPECT_EQ(fails_too().within("web").error().message(), "web: it died");
}

TEST(Result, TryHandsTheErrorToTheCaller) {
  auto failed = passes_on();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().cls(), ErrorClass::conflict);
  EXPECT_EQ(failed.error().message(), "taken");
}

}  // namespace
}  // namespace appshot
