#include "resources/births.h"

#include <gtest/gtest.h>

#include "resources/user_spaces.h"

namespace appshot {
namespace {

using image::IdRange;

// Namespaces: 0 and 3 of users, one in the other; 1 and 2 of processes, likewise; 1 belongs to 0.
class Nested : public testing::Test {
 protected:
  Nested() {
    add_space("user", -1, -1);
    add_space("pid", -1, 0);
    add_space("pid", 1, 0);
    add_space("user", 0, -1);
    add_process(2, 1, {}, {});
    add_process(3, 2, {0, 1}, {1});
    add_process(4, 3, {0, 1}, {2});
    add_process(5, 4, {0, 2}, {3, 1});
  }

  void add_space(const char* kind, int parent, int owner) {
    image_.namespaces.push_back(std::make_unique<image::NamespaceT>());
    image_.namespaces.back()->kind = kind;
    image_.namespaces.back()->parent = parent;
    image_.namespaces.back()->owner = owner;
  }

  image::ProcessT& add_process(int pid, int parent, std::vector<int> spaces, std::vector<int> ids) {
    auto process = std::make_unique<image::ProcessT>();
    process->pid = pid;
    process->parent = parent;
    process->group = 2;
    process->session = 2;
    process->namespaces = std::move(spaces);
    process->nested_groups = process->nested_sessions = std::vector<int>(ids.size(), 0);
    process->threads.push_back(std::make_unique<image::ThreadT>());
    process->threads.back()->tid = pid;
    process->threads.back()->nested_ids = ids;
    process->nested_ids = std::move(ids);
    image_.processes.push_back(std::move(process));
    return *image_.processes.back();
  }

  const image::ProcessT& process(size_t index) const { return *image_.processes[index]; }

  image::ImageT image_;
};

TEST_F(Nested, EachSeesTheOthersByItsOwnNamespace) {
  const PidSpaces spaces(image_);
  EXPECT_EQ(spaces.seen_by(process(0), 5), 5);
  EXPECT_EQ(spaces.seen_by(process(1), 5), 3);
  EXPECT_EQ(spaces.seen_by(process(1), 4), 2);
  EXPECT_EQ(spaces.seen_by(process(3), 5), 1);
  EXPECT_EQ(spaces.seen_by(process(3), 4), 0);
  EXPECT_EQ(spaces.seen_by(process(1), 2), 0) << "a group that is seen from outside alone";
}

TEST_F(Nested, TheFirstOfEachNamespaceIsKnown) {
  const PidSpaces spaces(image_);
  EXPECT_TRUE(spaces.is_first(process(1)));
  EXPECT_FALSE(spaces.is_first(process(2)));
  EXPECT_EQ(spaces.first_of(2), &process(3));
  EXPECT_EQ(spaces.first_of(7), nullptr);
}

TEST_F(Nested, WhoIsNobodyGetsAnIdThatIsFreeThere) {
  const PidSpaces spaces(image_);
  EXPECT_EQ(spaces.nested_ids(2, 5), (std::vector<pid_t>{3, 1}));
  EXPECT_EQ(spaces.nested_ids(1, 100), (std::vector<pid_t>{100}));
  EXPECT_NE(spaces.nested_ids(1, 2).front(), 2) << "another has it there";
}

TEST_F(Nested, OneIsBornInTheUserNamespaceThatItsPidNamespaceBelongsTo) {
  const Births births(image_);
  EXPECT_EQ(births.users_at_birth(process(0)), -1);
  EXPECT_EQ(births.users_at_birth(process(1)), 0);
  EXPECT_TRUE(births.is_born_by_way_of_another(process(1)));
  EXPECT_EQ(births.users_at_birth(process(3)), 0);
  EXPECT_FALSE(births.is_born_by_way_of_another(process(3)));
}

TEST_F(Nested, IdsAreChosenWhereTheUserNamespaceHasRightsAndKeptElsewhere) {
  const Births births(image_);
  EXPECT_EQ(births.ids(-1, 2, 5).chosen, (std::vector<pid_t>{1, 3, 5}));
  EXPECT_TRUE(births.ids(-1, 2, 5).kept.empty());
  const Births::Ids inside = births.ids(0, 2, 5);
  EXPECT_EQ(inside.chosen, (std::vector<pid_t>{1, 3}));
  ASSERT_EQ(inside.kept.size(), 1u);
  EXPECT_EQ(inside.kept[0].id, 5);
  EXPECT_EQ(births.keepers(), (std::vector<int>{-1}));
}

TEST_F(Nested, ThreadsInAUserNamespaceFurtherInNeedKeepersForAllAround) {
  image::ProcessT& threaded = add_process(6, 4, {3, 1}, {4});
  threaded.threads.push_back(std::make_unique<image::ThreadT>());
  threaded.threads.back()->tid = 7;
  threaded.threads.back()->nested_ids = {5};
  const Births births(image_);
  EXPECT_EQ(births.keepers(), (std::vector<int>{-1, 1}));
  EXPECT_TRUE(births.ids(3, 1, 7).chosen.empty());
  EXPECT_EQ(births.ids(3, 1, 7).kept.size(), 2u);
}

TEST(UserSpaces, TranslateIds) {
  const user_spaces::IdRanges ranges{IdRange(0, 1000, 1), IdRange(1, 100000, 10)};
  EXPECT_EQ(user_spaces::id_in(ranges, 1000), 0u);
  EXPECT_EQ(user_spaces::id_in(ranges, 100009), 10u);
  EXPECT_EQ(user_spaces::id_in(ranges, 100010), std::nullopt);
  EXPECT_EQ(user_spaces::id_in(ranges, 0), std::nullopt);
}

}  // namespace
}  // namespace appshot
