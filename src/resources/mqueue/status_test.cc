#include "resources/mqueue/status.h"

#include <gtest/gtest.h>

namespace appshot::mqueues {
namespace {

TEST(MqStatus, TellsWhoIsToBeNotifiedAndHow) {
  MqStatus status =
      parse_mq_status("QSIZE:0          NOTIFY:0     SIGNO:36    NOTIFY_PID:8260  \n");
  EXPECT_EQ(status.bytes, 0u);
  EXPECT_EQ(status.notify, 0);
  EXPECT_EQ(status.signal, 36);
  EXPECT_EQ(status.notify_pid, 8260);
}

TEST(MqStatus, NobodyIsProcessZero) {
  MqStatus status =
      parse_mq_status("QSIZE:129        NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
  EXPECT_EQ(status.bytes, 129u);
  EXPECT_EQ(status.notify_pid, 0);
}

TEST(MqStatus, TextThatIsSomethingElseTellsNothing) {
  EXPECT_EQ(parse_mq_status("").notify_pid, 0);
  EXPECT_EQ(parse_mq_status("QSIZE:").bytes, 0u);
}

}  // namespace
}  // namespace appshot::mqueues
