// A program's input and output on this terminal, over the attach stream, until it ends or lets go.
#pragma once

#include <functional>
#include <string>

#include "api/http_client.h"

namespace appshot {

struct SessionWish {
  std::string aid;
  bool tty = false;  // the program has a terminal: raw mode here, window size, ctrl-p ctrl-q
  bool pass_stdin = false;
  // Without a tty: SIGINT and SIGTERM for this process are the program's.
  std::function<void(int signal)> forward_signal;
};

struct SessionEnd {
  enum class Kind { exited, detached, let_go, lost, failed };
  Kind kind;
  int status = 0;    // exited: as a shell reports it; failed: the program's status or 125
  std::string text;  // let_go: why; failed: what a user shall read
};

// Signals are blocked within and back to what they were after it.
SessionEnd run_session(HttpClient::Stream stream, const SessionWish& wish);

// 128 + signal, or the exit status.
int shell_status(int wait_status);

// Finds ctrl-p ctrl-q in what is typed. A lone ctrl-p is passed on with what follows it.
class DetachKeys {
 public:
  // What to pass on; `detach` turns true when the keys were complete.
  std::string filter(std::string_view typed, bool& detach);

 private:
  bool pending_ = false;
};

}  // namespace appshot
