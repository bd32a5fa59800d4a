// What is shared by everything that takes part in one capture.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "image/schema/values.h"
#include "os/tcp_names.h"
#include "os/unique_fd.h"
#include "resources/instance_view.h"
#include "resources/memory_tracks.h"
#include "resources/obstacles.h"
#include "resources/page_copies.h"

namespace appshot {

// A socket of the application: its file in the image, and a descriptor of ours.
struct SeenSocket {
  int file = -1;
  UniqueFd copy;
};

struct CaptureContext {
  const InstanceView& instance;
  image::ImageT& image;
  PageCopies& pages;
  MemoryTracks* tracks = nullptr;  // none: everything is copied
  bool runs_on = false;            // and may be captured again
  Obstacles obstacles{};

  // Things found by device and inode, so that what is shared is kept once.
  using Identity = std::pair<uint64_t, uint64_t>;
  std::map<Identity, int> ghosts{};          // -> Image.ghosts
  std::map<Identity, int> shared_memory{};   // -> Image.shared_memory
  std::map<Identity, int> pipes{};           // -> Image.pipes
  std::map<Identity, int> message_queues{};  // -> Image.message_queues
  std::map<Identity, int> namespaces{};      // -> Image.namespaces
  std::map<int, UniqueFd> ipc_spaces{};      // Image.namespaces -> leads to it; of IPC
  std::map<int, UniqueFd> network_spaces{};  // the same; of networks

  // What the application has mounted; empty when that is nothing.
  struct MountSpaces {
    std::map<uint64_t, int> of_mounts{};     // mount id -> Image.namespaces, -1: the instance's own
    std::map<dev_t, int> file_systems{};     // device -> Image.file_systems
    std::map<int, std::string> from_here{};  // Image.namespaces -> what leads to its root from here
    bool empty() const { return of_mounts.empty(); }
  };
  MountSpaces mount_spaces{};
  // In front of a path in that namespace.
  const std::string& root_of(int space) const {
    return space < 0 ? instance.root : mount_spaces.from_here.at(space);
  }
  std::map<std::string, int> mapped_files{};  // path and ghost -> Image.mapped_files

  // The kernel's memory, for the thread that looks at files; nullptr where it cannot be read.
  KernelView* kernel() {
    if (!opened_kernel) opened_kernel.emplace(KernelView::open(instance.kernel_layout));
    return *opened_kernel ? &**opened_kernel : nullptr;
  }
  std::optional<Result<KernelView>> opened_kernel{};

  std::map<uint64_t, SeenSocket> sockets{};  // by inode
  // Given when the application ends with what is captured, in the host's network: from then on
  // that says nothing in those names.
  std::function<Result<>(const HeldTcp&)> hold{};
  std::map<int, int> terminals{};              // by number -> Image.terminals
  std::map<int, UniqueFd> terminal_masters{};  // by number, ours

  // A file on its way from one process to another becomes one of Image.open_files, whoever else has
  // it open; given by the table of files.
  std::function<Result<int>(UniqueFd file, const std::string& where)> keep_in_flight{};
  std::vector<UniqueFd> in_flight{};  // ours, of those
};

}  // namespace appshot
