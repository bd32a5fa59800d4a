// Brings an image back to life: the list of steps. The harness runs the outer half, the new
// instance's init the inner.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/result.h"
#include "image/pages_reader.h"
#include "image/schema/values.h"
#include "init/init.h"
#include "isolation/share.h"
#include "os/cgroup.h"
#include "os/pids.h"
#include "os/unique_fd.h"
#include "restore/lazy_memory.h"

namespace appshot {

// A verified image, and where its bytes are.
struct OpenedImage {
  image::ImageT manifest;
  image::PagesReader pages;

  // Class corrupt for what is no image, mismatch (with every difference) for one of another
  // machine.
  static Result<OpenedImage> open(const std::string& folder);
};

class Seed;

struct RestoreRequest {
  const OpenedImage& image;
  const Cgroup& application;                    // where its processes will live
  std::map<std::string, UniqueFd> streams;      // what it gets as stdin, stdout, stderr
  InitSetup init;                               // files, names and channel of the new init
  Channel control;                              // the other end of init.control
  KeptDescriptors kept;                         // what init holds for a harness that may die
  std::function<void(const Json& event)> tell;  // how much is loaded or read, when that takes long
  bool keeps_connections = false;               // with others, which are where they were
  std::function<Result<>()> meanwhile;          // what can be done while init works
  std::function<Result<>()> plug;               // lets the outside in, when all is as it was
  // Then, with the channel to its init; nothing can fail any more.
  std::function<void(Channel& control, HostPid init)> before_it_runs = {};
  MemoryWish memory = MemoryWish::automatic;
  std::string image_folder = {};
  std::function<Result<EndOfInstance>(HostPid init)> end = {};  // for memory that cannot come later
  bool is_clone = false;  // others are made from the same image
  Seed* seed = nullptr;   // of the image, that the caller is a fork of
};

struct RestoredInstance {
  HostPid init;
  Channel control;
  UniqueFd terminal;  // master, when the image has a terminal
  int terminal_index = -1;
  std::optional<Pager> pager;  // while not all memory is in
};

// After an error nothing is left. On success the application runs.
Result<RestoredInstance> restore(RestoreRequest request);

}  // namespace appshot
