#include "resources/empty_messages.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

using Queue = std::vector<SeenMessage>;

Queue queue(const std::vector<size_t>& lengths) {
  Queue messages;
  for (size_t length : lengths) messages.push_back({length, {}});
  return messages;
}

// What a queue is taken for when it held `seen`, and a walk through it now meets `met`.
std::vector<size_t> found(const std::vector<size_t>& seen, bool first_is_empty,
                          const std::vector<size_t>& met) {
  SeenQueues queues;
  remember(queues, 7, queue(seen));
  Queue now = queue(met);
  if (queues.count(7) != 0) now = with_passed_over(queues[7], first_is_empty, now);
  std::vector<size_t> lengths;
  for (const SeenMessage& message : now) lengths.push_back(message.bytes);
  return lengths;
}

using Lengths = std::vector<size_t>;

TEST(EmptyMessages, AreFoundAgainWhereTheyWere) {
  EXPECT_EQ(found({3, 0, 5, 0, 0}, false, {3, 5}), (Lengths{3, 0, 5, 0, 0}));
}

TEST(EmptyMessages, GoWithTheOnesBeforeThem) {
  EXPECT_EQ(found({3, 0, 5}, false, {5}), (Lengths{5}));
  EXPECT_EQ(found({3, 0, 5}, true, {5}), (Lengths{0, 5}));
  EXPECT_EQ(found({3, 0, 5, 0}, false, {}), (Lengths{}));
  EXPECT_EQ(found({3, 0, 5, 0}, true, {}), (Lengths{0}));
}

TEST(EmptyMessages, StayBeforeWhatCameLater) {
  EXPECT_EQ(found({3, 0}, false, {3, 9, 0}), (Lengths{3, 0, 9, 0}));
}

TEST(EmptyMessages, AreNotLookedForWhereThereWereNone) {
  EXPECT_EQ(found({3, 4}, false, {4}), (Lengths{4}));
}

}  // namespace
}  // namespace appshot
