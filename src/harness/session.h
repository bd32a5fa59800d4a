// A program's standard streams and those who watch and feed them: the application's own, or those
// of one `exec`.
#pragma once

#include <poll.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "harness/output_log.h"
#include "os/unique_fd.h"
#include "protocol/frames.h"

namespace appshot {

class Session {
 public:
  // Our ends. With a terminal `input` and `error` stay empty: its master is `output`.
  struct Ends {
    UniqueFd input, output, error;
    bool tty = false;
  };

  Session(Ends ends, OutputLog* log);

  // Descriptors worth waiting for, for poll(2).
  void add_waits(std::vector<pollfd>& waits) const;
  void handle(const pollfd& ready);

  void attach(UniqueFd stream);
  size_t attached() const { return clients_.size(); }
  // Everything the program has written and nobody has read yet.
  void drain();
  void finish_with_exit(int wait_status);
  void finish_with_reason(const std::string& why);
  Result<> set_window(WindowSize size);
  // Runs when the program's input has ended: whoever else holds its other end has to let go.
  void on_input_end(std::function<void()> told) { input_ended_ = std::move(told); }

  const Ends& ends() const { return ends_; }

 private:
  struct Client {
    UniqueFd stream;
    FrameDecoder decoder;
    std::string unsent;
  };
  bool hold_terminal();
  bool read_output(UniqueFd& from, FrameType type, const char* name);
  void send(Client& client, const std::string& frame);
  void flush(Client& client);
  void read_client(Client& client);
  void take(Client& client, const Frame& frame);
  void write_input();

  Ends ends_;
  UniqueFd slave_;  // of a terminal
  OutputLog* log_;
  std::list<Client> clients_;
  std::string input_;        // from clients, not yet taken by the program
  bool input_ends_ = false;  // after `input_`
  std::function<void()> input_ended_;
};

}  // namespace appshot
