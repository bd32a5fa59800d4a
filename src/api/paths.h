// Where a node keeps its things: the same answer for the daemon and for those who look for it.
#pragma once

#include <string>

#include "base/result.h"

namespace appshot {

struct Paths {
  std::string state_dir;  // survives a reboot
  std::string run_dir;    // sockets and locks

  // APPSHOT_ROOT puts both under it; else root has /var/lib and /run, others their XDG folders.
  static Result<Paths> from_environment();

  std::string socket() const { return run_dir + "/appshot.sock"; }
  std::string daemon_lock() const { return run_dir + "/appshotd.lock"; }
  // Held by whoever is starting a daemon, from before it until it answers.
  std::string start_lock() const { return run_dir + "/start.lock"; }
  std::string daemon_log() const { return state_dir + "/appshotd.log"; }
  std::string registry() const { return state_dir + "/registry.db"; }
  std::string snapshots() const { return state_dir + "/snapshots"; }
  std::string snapshot_dir(const std::string& id) const { return snapshots() + "/" + id; }
  std::string snapshot_partial(const std::string& id) const {
    return snapshots() + "/.partial-" + id;
  }
  std::string layers() const { return state_dir + "/layers"; }
  // Files of templates, which lie below the layers of their clones.
  std::string frozen() const { return state_dir + "/frozen"; }
  std::string frozen_of(const std::string& id) const { return frozen() + "/" + id; }
  std::string instances() const { return state_dir + "/instances"; }
  std::string instance_state(const std::string& aid) const { return instances() + "/" + aid; }
  // What its harness keeps of the image that it was woken from.
  std::string instance_origin(const std::string& aid) const {
    return instance_state(aid) + "/origin";
  }
  std::string instance_run(const std::string& aid) const { return run_dir + "/instances/" + aid; }
};

}  // namespace appshot
