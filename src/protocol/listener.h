// The harness's listening socket: where a daemon that was started again finds it.
//
// The socket file is removed with the listener; the owner of the folder decides that nobody else
// listens there, so a left-over file of a dead predecessor is replaced.
#pragma once

#include <string>

#include "base/result.h"
#include "os/unique_fd.h"
#include "protocol/channel.h"

namespace appshot {

class Listener {
 public:
  static Result<Listener> at(const std::string& path);
  Listener(Listener&& other) noexcept = default;
  Listener& operator=(Listener&& other) = delete;
  ~Listener();

  // Poll fd() for readability first; class exhausted (EAGAIN) when nobody is waiting.
  Result<Channel> accept();
  int fd() const { return socket_.get(); }

 private:
  Listener(UniqueFd socket, std::string path)
      : socket_(std::move(socket)), path_(std::move(path)) {}

  UniqueFd socket_;
  std::string path_;
};

}  // namespace appshot
