#include "endpoints/name_questions.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <span>

namespace appshot {
namespace {

constexpr size_t kUnderWayMax = 256;  // each takes a descriptor of the daemon
constexpr size_t kDatagramMax = 65535;
constexpr size_t kHeader = 12;
constexpr int kAtOnce = 64;  // before others have their turn
constexpr std::chrono::milliseconds kAnswerMax{2000};
// Of the header's third and fourth byte.
constexpr uint8_t kIsAnswer = 0x80, kKeptFlags = 0xf0, kServerFailed = 2;

std::span<uint8_t> datagram_buffer() {
  thread_local std::vector<uint8_t> buffer(kDatagramMax);
  return buffer;
}

}  // namespace

void NameQuestions::take_all() {
  const std::span<uint8_t> buffer = datagram_buffer();
  for (int i = 0; i < kAtOnce; ++i) {
    SocketName from;
    const ssize_t got = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                                   from.get(), &from.size);
    if (got < 0) return;
    const bool is_question = got >= static_cast<ssize_t>(kHeader) && (buffer[2] & kIsAnswer) == 0;
    // Who is not served asks again, as whoever asks in datagrams does.
    if (!is_question || !clients_.contains(from.address()) || under_way_.size() >= kUnderWayMax)
      continue;
    ask_next({from, {buffer.begin(), buffer.begin() + got}, servers_()});
  }
}

bool NameQuestions::take_answer(int fd) {
  auto found = under_way_.find(fd);
  if (found == under_way_.end()) return false;
  const std::span<uint8_t> buffer = datagram_buffer();
  const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  Question question = std::move(found->second);
  const bool is_answer = got >= static_cast<ssize_t>(kHeader) &&
                         std::equal(buffer.begin(), buffer.begin() + 2, question.bytes.begin());
  if (got >= 0 && !is_answer) {
    found->second = std::move(question);  // of something else
    return true;
  }
  under_way_.erase(found);
  if (!is_answer) {
    ask_next(std::move(question));  // nobody is there
    return true;
  }
  (void)!::sendto(socket_.get(), buffer.data(), static_cast<size_t>(got), MSG_DONTWAIT,
                  question.from.get(), question.from.size);
  return true;
}

void NameQuestions::ask_next(Question question) {
  while (question.asked < question.servers.size()) {
    const NameServer& server = question.servers[question.asked++];
    const SocketName to = SocketName::of(server.address, server.port);
    UniqueFd socket(::socket(to.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket || ::connect(socket.get(), to.get(), to.size) != 0 ||
        ::send(socket.get(), question.bytes.data(), question.bytes.size(), 0) < 0)
      continue;
    const int fd = socket.get();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) break;
    question.socket = std::move(socket);
    question.deadline = Deadline::in(kAnswerMax);
    under_way_.insert_or_assign(fd, std::move(question));
    return;
  }
  tell_failure(question);
}

// The question itself, with a word in its header.
void NameQuestions::tell_failure(Question& question) {
  question.bytes[2] |= kIsAnswer;
  question.bytes[3] = static_cast<uint8_t>((question.bytes[3] & kKeptFlags) | kServerFailed);
  (void)!::sendto(socket_.get(), question.bytes.data(), question.bytes.size(), MSG_DONTWAIT,
                  question.from.get(), question.from.size);
}

void NameQuestions::expire() {
  std::vector<Question> late;
  for (auto it = under_way_.begin(); it != under_way_.end();) {
    if (!it->second.deadline.passed()) {
      ++it;
      continue;
    }
    late.push_back(std::move(it->second));
    it = under_way_.erase(it);
  }
  for (Question& question : late) ask_next(std::move(question));
}

int NameQuestions::left_ms() const {
  int left = -1;
  for (const auto& [fd, question] : under_way_) {
    const int its = question.deadline.left_ms();
    left = left < 0 ? its : std::min(left, its);
  }
  return left;
}

}  // namespace appshot
