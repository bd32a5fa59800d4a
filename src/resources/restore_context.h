// What is shared by everything that takes part in one restore, inside the new instance's init.
// Everything global is made here once; the processes that init then forks inherit it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "image/pages_reader.h"
#include "image/schema/values.h"
#include "os/namespace_visit.h"
#include "os/network_namespace.h"
#include "os/unique_fd.h"

namespace appshot {

struct PipeEnds {
  UniqueFd read, write;  // not yet given to a description
  UniqueFd held;         // keeps the pipe alive while its descriptions are made
};

struct RestoreContext {
  const image::ImageT& image;
  const image::PagesReader& pages;
  std::map<std::string, UniqueFd> streams;  // the harness's new ends: stdin, stdout, stderr
  // Connections with others go on from where they were; else they have been lost meanwhile.
  bool keeps_connections = false;
  int application_group = -1;  // cgroup for the children of init; they pass it on
  int first_descriptor = 0;    // ours lie from here on, out of the application's way
  int own_users = -1;          // user namespace of an instance that has one of its own
  bool is_clone = false;       // others are made from the same image

  image::PagesReader::Tell tell_loaded = {};
  image::PagesReader::Tell tell_checked = {};  // of files that have to be as they were
  size_t lost_connections = 0;
  std::vector<UniqueFd> terminal_masters =
      {};  // by Image.terminals; some are held by a file as well

  std::vector<UniqueFd> namespaces = {};     // by Image.namespaces
  std::map<int, UniqueFd> roots = {};        // of those that are mount namespaces
  std::vector<UniqueFd> mounts = {};         // by Image.mounts; only what late ones are mounted on
  std::vector<UniqueFd> files = {};          // by Image.open_files; empty: made by its process
  std::vector<UniqueFd> shared_memory = {};  // by Image.shared_memory
  std::vector<PipeEnds> pipes = {};          // by Image.pipes
  std::map<int, UniqueFd> ghosts = {};       // by Image.ghosts, open for reading and writing
  std::map<const image::OpenFileT*, UniqueFd> message_queue_files = {};  // made with their queues
  std::map<const image::OpenFileT*, UniqueFd> sockets = {};              // made with their peers
  std::map<const image::OpenFileT*, UniqueFd> closed_peers = {};  // of those, until queues are full
  // By UnixSocket.waiting of a listener, as long; empty: the client is one of `sockets`.
  std::map<const image::OpenFileT*, std::vector<UniqueFd>> closed_clients = {};

  // -1, and the numbers of those that are of that kind.
  std::vector<int> spaces(std::string_view kind) const {
    std::vector<int> all{-1};
    for (size_t i = 0; i < image.namespaces.size(); ++i)
      if (image.namespaces[i]->kind == kind) all.push_back(static_cast<int>(i));
    return all;
  }
  std::vector<int> networks() const { return spaces("net"); }
  // Runs in the network namespace of that number among Image.namespaces.
  template <typename Body>
  auto in_network(int network, Body body) const -> decltype(body()) {
    if (network < 0) return body();
    return in_namespace(namespaces[static_cast<size_t>(network)].get(), body);
  }

  // The same for an IPC namespace.
  template <typename Body>
  auto in_ipc(int space, Body body) const -> decltype(body()) {
    if (space < 0) return body();
    const int there = namespaces[static_cast<size_t>(space)].get();
    NamespaceVisit visit = TRY(NamespaceVisit::to("/proc/self/fd/" + std::to_string(there), "ipc"));
    return body();
  }

  // Where it is found, from the instance's own mount namespace.
  std::string path_of(const image::FileNameT& name) const {
    return in_space(name.space, name.path);
  }
  std::string in_space(int space, const std::string& path) const {
    return space < 0 ? path : "/proc/self/fd/" + std::to_string(roots.at(space).get()) + path;
  }
};

}  // namespace appshot
