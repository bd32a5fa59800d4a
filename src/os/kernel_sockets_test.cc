#include "os/kernel_sockets.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <optional>

#include "os/kernel_files.h"
#include "os/unique_fd.h"

namespace appshot {
namespace {

// A listener of this process, with a name that the kernel has chosen, and clients of it.
class KernelSockets : public testing::Test {
 protected:
  void SetUp() override {
    Result<KernelView> kernel = KernelView::open(nullptr);
    if (!kernel) GTEST_SKIP() << kernel.error().message();
    kernel_.emplace(std::move(*kernel));
  }

  void listen_for(int type) {
    type_ = type;
    listener_ = named_socket();
    ASSERT_EQ(::listen(listener_.get(), 9), 0);
  }

  UniqueFd named_socket() const {
    UniqueFd socket(::socket(AF_UNIX, type_ | SOCK_CLOEXEC, 0));
    const sa_family_t family = AF_UNIX;
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&family), sizeof family), 0);
    return socket;
  }

  UniqueFd connect() const {
    UniqueFd client = named_socket();
    sockaddr_un address{};
    socklen_t length = sizeof address;
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    return client;
  }

  std::vector<WaitingConnection> waiting() {
    return waiting_connections(*kernel_, listener_.get()).value();
  }

  std::optional<KernelView> kernel_;
  int type_ = SOCK_STREAM;
  UniqueFd listener_;
};

uint32_t inode_of(const UniqueFd& fd) {
  struct stat info {};
  EXPECT_EQ(::fstat(fd.get(), &info), 0);
  return static_cast<uint32_t>(info.st_ino);
}

void send_text(const UniqueFd& socket, std::string_view text) {
  ASSERT_EQ(::send(socket.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
}

void send_descriptor(const UniqueFd& socket, int fd) {
  char byte = 'x';
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  ASSERT_EQ(::sendmsg(socket.get(), &header, 0), 1);
}

std::string text_of(const QueuedMessage& message) {
  return {message.data.begin(), message.data.end()};
}

TEST_F(KernelSockets, NobodyWaitsAtANewListener) {
  listen_for(SOCK_STREAM);
  EXPECT_TRUE(waiting().empty());
}

TEST_F(KernelSockets, WhoWaitsIsToldInOrder) {
  listen_for(SOCK_SEQPACKET);
  UniqueFd first = connect(), second = connect();
  const uint32_t first_inode = inode_of(first);
  std::vector<WaitingConnection> found = waiting();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].client, first_inode);
  EXPECT_EQ(found[1].client, inode_of(second));
  EXPECT_EQ(found[0].identity.uid, ::geteuid());
  EXPECT_EQ(found[0].identity.gid, ::getegid());
  EXPECT_EQ(found[0].identity.ids.back(), ::getpid());
  EXPECT_EQ(found[0].identity.depth(), own_pid_depth(*kernel_).value());
  EXPECT_EQ(found[0].name.size(), 6U);  // a zero and five digits
  EXPECT_EQ(found[0].identity.groups.size(), static_cast<size_t>(::getgroups(0, nullptr)));
}

TEST_F(KernelSockets, AClosedClientIsStillKnownByItsName) {
  listen_for(SOCK_STREAM);
  UniqueFd client = connect();
  const std::vector<uint8_t> name = waiting().at(0).name;
  client.reset();
  EXPECT_EQ(waiting().at(0).client, 0U);
  EXPECT_EQ(waiting().at(0).name, name);
}

TEST_F(KernelSockets, WhatWasSentIsSeenAndStays) {
  listen_for(SOCK_SEQPACKET);
  UniqueFd client = connect();
  send_text(client, "one");
  send_text(client, "");
  send_text(client, "three");
  for (int look = 0; look < 2; ++look) {
    const std::vector<QueuedMessage> messages = waiting().at(0).messages;
    ASSERT_EQ(messages.size(), 3U);
    EXPECT_EQ(text_of(messages[0]), "one");
    EXPECT_EQ(text_of(messages[1]), "");
    EXPECT_EQ(text_of(messages[2]), "three");
    ASSERT_TRUE(messages[0].sender);
    EXPECT_EQ(messages[0].sender->ids.back(), ::getpid());
  }
  UniqueFd accepted(::accept(listener_.get(), nullptr, nullptr));
  char bytes[8];
  EXPECT_EQ(::recv(accepted.get(), bytes, sizeof bytes, 0), 3);
}

// What is long lies in pages, of which the kernel keeps only which they are.
TEST_F(KernelSockets, LongMessagesAreSeenWhole) {
  listen_for(SOCK_STREAM);
  UniqueFd client = connect();
  std::string text(150'000, ' ');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 / 7);
  send_text(client, text);
  std::string found;
  const std::vector<WaitingConnection> all = waiting();
  for (const QueuedMessage& message : all.at(0).messages) found += text_of(message);
  EXPECT_EQ(found, text);
}

TEST_F(KernelSockets, FilesOnTheirWayAreThoseThatAreOpen) {
  listen_for(SOCK_STREAM);
  UniqueFd client = connect();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd out(ends[0]), in(ends[1]);
  send_descriptor(client, in.get());
  const std::vector<uint64_t> files = waiting().at(0).messages.at(0).files;
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0], file_address(*kernel_, in.get()).value());
  EXPECT_NE(files[0], file_address(*kernel_, out.get()).value());
  const KernelFile file = describe_file(*kernel_, files[0]).value();
  EXPECT_EQ(file.number, inode_of(in));
  EXPECT_EQ(file.flags & O_ACCMODE, static_cast<unsigned>(O_WRONLY));
  EXPECT_TRUE(S_ISFIFO(file.mode));
  EXPECT_EQ(file.inode, describe_file(*kernel_, file_address(*kernel_, out.get()).value())->inode);
}

TEST_F(KernelSockets, AByteOutOfBandIsSeen) {
  listen_for(SOCK_STREAM);
  UniqueFd client = connect();
  if (::send(client.get(), "!", 1, MSG_OOB) != 1) GTEST_SKIP() << "not known to this kernel";
  EXPECT_TRUE(waiting().at(0).has_urgent_byte);
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const UniqueFd from(pair[0]), to(pair[1]);
  EXPECT_EQ(bytes_before_urgent(*kernel_, to.get()).value(), std::nullopt);
  ASSERT_EQ(::send(from.get(), "before", 6, 0), 6);
  ASSERT_EQ(::send(from.get(), "!", 1, MSG_OOB), 1);
  ASSERT_EQ(::send(from.get(), "after", 5, 0), 5);
  EXPECT_EQ(bytes_before_urgent(*kernel_, to.get()).value(), 6U);
  char two[2];
  ASSERT_EQ(::recv(to.get(), two, 2, 0), 2);
  EXPECT_EQ(bytes_before_urgent(*kernel_, to.get()).value(), 4U);
}

TEST_F(KernelSockets, AnAddressThatLeadsNowhereIsAnError) {
  EXPECT_FALSE(kernel_->memory.read<uint64_t>(0));
  EXPECT_FALSE(kernel_->memory.read<uint64_t>(0xffffffffffff0000));
  EXPECT_FALSE(file_address(*kernel_, 1 << 20));
  EXPECT_TRUE(kernel_->memory.read<uint64_t>(kernel_->memory.current_task().value()));
}

}  // namespace
}  // namespace appshot
