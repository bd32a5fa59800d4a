#include "protocol/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "protocol/listener.h"
#include "protocol/messages.h"

namespace appshot {
namespace {

Deadline soon() { return Deadline::in(std::chrono::seconds(5)); }

std::pair<Channel, Channel> channel_pair() {
  auto ends = Channel::make_pair();
  EXPECT_TRUE(ends);
  return std::move(ends).value();
}

TEST(Channel, CarriesADocument) {
  auto [left, right] = channel_pair();
  ASSERT_TRUE(left.send(make_request(7, "status")));
  auto packet = right.receive(soon());
  ASSERT_TRUE(packet);
  ASSERT_TRUE(packet->has_value());
  EXPECT_EQ((*packet)->document, (Json{{"id", 7}, {"op", "status"}}));
}

TEST(Channel, CarriesDescriptorsThatAreClosedOnExec) {
  auto [left, right] = channel_pair();
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  UniqueFd read_end(pipe_ends[0]);
  UniqueFd write_end(pipe_ends[1]);
  int handed[] = {write_end.get()};
  ASSERT_TRUE(left.send(Json::object(), handed));
  auto packet = right.receive(soon());
  ASSERT_TRUE(packet && packet->has_value());
  ASSERT_EQ((*packet)->fds.size(), 1u);
  EXPECT_TRUE(::fcntl((*packet)->fds[0].get(), F_GETFD) & FD_CLOEXEC);
  ASSERT_EQ(::write((*packet)->fds[0].get(), "x", 1), 1);
  char byte;
  EXPECT_EQ(::read(read_end.get(), &byte, 1), 1);
}

TEST(Channel, CarriesADocumentLargerThanAPacket) {
  auto [left, right] = channel_pair();
  Json large{{"text", std::string(1'000'000, 'x')}};
  ASSERT_TRUE(left.send(large));
  auto packet = right.receive(soon());
  ASSERT_TRUE(packet && packet->has_value());
  EXPECT_EQ((*packet)->document, large);
  EXPECT_TRUE((*packet)->fds.empty());
}

TEST(Channel, ReportsThePeersEndAsNoPacket) {
  auto [left, right] = channel_pair();
  left = Channel();
  auto packet = right.receive(soon());
  ASSERT_TRUE(packet);
  EXPECT_FALSE(packet->has_value());
  auto sent = right.send(Json::object());
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().cls(), ErrorClass::gone);
}

TEST(Channel, GivesUpAtTheDeadline) {
  auto [left, right] = channel_pair();
  auto packet = right.receive(Deadline::in(std::chrono::milliseconds(1)));
  ASSERT_FALSE(packet);
  EXPECT_EQ(packet.error().cls(), ErrorClass::timeout);
}

TEST(Channel, RefusesWhatIsNoDocument) {
  auto [left, right] = channel_pair();
  ASSERT_EQ(::write(left.fd(), "{", 1), 1);
  auto packet = right.receive(soon());
  ASSERT_FALSE(packet);
  EXPECT_EQ(packet.error().cls(), ErrorClass::corrupt);
}

TEST(Listener, IsFoundUnderAPathOfAnyLengthAndLeavesNoFile) {
  std::string folder =
      std::filesystem::temp_directory_path() / ("appshot-test-" + std::to_string(::getpid()));
  std::string deep = folder + "/" + std::string(120, 'd');
  std::filesystem::create_directories(deep);
  std::string path = deep + "/harness.sock";
  {
    auto listener = Listener::at(path);
    ASSERT_TRUE(listener) << listener.error().message();
    struct stat facts;
    ASSERT_EQ(::stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u);
    auto client = Channel::connect(path);
    ASSERT_TRUE(client) << client.error().message();
    auto server = listener->accept();
    ASSERT_TRUE(server);
    ASSERT_TRUE(client->send(Json{{"a", 1}}));
    auto packet = server->receive(soon());
    ASSERT_TRUE(packet && packet->has_value());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace appshot
