// The application's open file descriptions: each is captured once, however many descriptors of
// however many processes refer to it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/process_source.h"

namespace appshot {

class FileTable {
 public:
  explicit FileTable(CaptureContext& context);

  // The process's descriptors, their files added to the image as needed.
  Result<> add(const ProcessSource& process, image::ProcessT& into);
  // When everything has been added: a pipe of which an end is held by nobody of the application.
  Result<> find_lost_pipe_ends(const std::vector<ProcessSource>& processes);
  // When every process has been added: which files the entries of epoll sets are, and which of
  // them have been reported.
  Result<> resolve_epoll_targets(const std::vector<ProcessSource>& processes);

 private:
  struct Holder {
    HostPid pid;
    int fd;
    int index;
  };
  Result<int> index_of(const ProcessSource& process, const DescriptorSource& descriptor);
  // Of a file that is on its way between processes, as FileTable sees a process's own.
  Result<int> keep_in_flight(UniqueFd file, const std::string& where);
  Result<int> capture_new(const ProcessSource& process, const DescriptorSource& descriptor);
  int find_target(const Holder& set, const image::EpollTargetT& target, unsigned occurrence,
                  const std::vector<ProcessSource>& processes) const;
  Result<UniqueFd> copy_of(int index, const std::vector<ProcessSource>& processes) const;

  CaptureContext& context_;
  std::optional<ProcessSource> ourselves_;
  // What /proc says of it is the same for every descriptor of a description: only equals are
  // compared.
  std::map<std::string, std::vector<Holder>> by_appearance_;
  std::map<std::pair<pid_t, int>, int> by_descriptor_;
  std::map<int, Holder> first_holder_;
};

}  // namespace appshot
