#include "resources/ipc/sem_undo.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace appshot::ipc {
namespace {

class SemUndo : public ::testing::Test {
 protected:
  SemUndo() : id_(::semget(IPC_PRIVATE, 2, 0600)) {}
  ~SemUndo() override { ::semctl(id_, 0, IPC_RMID); }

  void operate(int change, bool undo) {
    sembuf one{1, static_cast<short>(change), static_cast<short>(undo ? SEM_UNDO : 0)};
    ASSERT_EQ(::semop(id_, &one, 1), 0);
  }
  int value() const { return ::semctl(id_, 1, GETVAL); }

  bool at_least(int bound) {
    SemOperations operations = probe_at_least(1, static_cast<uint16_t>(value()), bound);
    EXPECT_EQ(::semop(id_, operations.data(), operations.size()), -1);
    EXPECT_TRUE(errno == ERANGE || errno == EAGAIN);
    return is_at_least(bound, -errno);
  }

  int id_;
};

TEST_F(SemUndo, ProbesFindTheAdjustmentAndChangeNothing) {
  ASSERT_GE(id_, 0);
  int adjustment = 0;
  for (int change : {5, -2, -3, 300, 32000, -32300, 1, 0, 32766}) {
    if (change != 0) {
      operate(change, true);
      adjustment -= change;
    }
    const int before = value();
    for (int bound : {-32767, -300, -5, -1, 0, 1, 2, 5, 300, 32767})
      EXPECT_EQ(at_least(bound), adjustment >= bound) << adjustment << " " << bound;
    EXPECT_TRUE(at_least(adjustment));
    EXPECT_FALSE(at_least(adjustment + 1));
    EXPECT_EQ(value(), before);
  }
}

TEST_F(SemUndo, SeveralAreProbedAtOnce) {
  operate(3, false);
  operate(-1, true);
  SemOperations operations;
  probe_above(0, 0, 0, operations);
  probe_above(1, 2, 0, operations);
  refuse_all(operations);
  EXPECT_EQ(::semop(id_, operations.data(), operations.size()), -1);
  EXPECT_EQ(errno, ERANGE);
  operations.clear();
  probe_below(0, 0, 0, operations);
  probe_below(1, 2, 0, operations);
  refuse_all(operations);
  EXPECT_EQ(::semop(id_, operations.data(), operations.size()), -1);
  EXPECT_EQ(errno, EAGAIN);
}

}  // namespace
}  // namespace appshot::ipc
