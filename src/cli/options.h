// A command line, read: the command and everything that was said about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace appshot {

struct Options {
  std::string command;

  // of most commands
  bool json = false;
  bool quiet = false;
  std::optional<double> timeout_s;
  std::string progress = "auto";  // auto, plain, none
  std::vector<std::string> ids;   // AIDs, snapshots; one or many as the command takes

  // run, exec
  std::vector<std::string> argv;
  std::string name;  // also of a snapshot
  bool detach = false;
  bool interactive = false;
  bool tty = false;
  std::vector<std::string> env;
  std::string workdir;
  std::string user;
  std::string hostname;
  bool rm = false;
  std::vector<std::string> share;
  std::vector<std::string> ports;
  bool allow_io_uring = false;
  bool privileged = false;
  std::vector<std::string> cap_add;
  std::vector<std::string> cap_drop;
  bool allow_setuid = false;
  bool userns = false;
  std::string memory_limit;  // as it was written: 512M
  double cpus = 0;
  int64_t pids = 0;
  std::string environment;                // also of the commands on environments
  std::vector<std::string> public_paths;  // HOSTPATH:PATH[:ro]
  std::string rules;                      // a file

  // the others
  bool all = false;
  bool follow = false;
  bool force = false;
  bool stop = false;
  bool full = false;
  bool sync = false;
  bool warm = false;
  int64_t count = 1;
  std::string connections;  // close, keep-first, refuse
  std::string as;
  std::string memory;  // lazy, eager, or as is best
  std::string signal = "TERM";
  int64_t virtual_pid = 0;
  std::string file;
  std::string action;         // of daemon, system; the shell of completion
  std::string from = "host";  // what an environment is made of
  std::string to;             // the name of a copy
  std::string path;           // to be resolved
  bool everybody = false;
  bool allow_public = false;
  std::string oci;     // a folder to be made, [:TAG]
  std::string folder;  // the same
};

}  // namespace appshot
