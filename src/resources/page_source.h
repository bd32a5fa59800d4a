// What an image's pages are copied from: a process's memory, or a file's content.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "os/unique_fd.h"
#include "resources/content_mapping.h"
#include "trace/remote_memory.h"

namespace appshot {

// Threads: any, several at once.
class PageSource {
 public:
  virtual ~PageSource() = default;
  // Whole pages from `at`, at least one and at most as many as there is room for; 0: it ends here.
  virtual Result<size_t> read(uint64_t at, std::span<char> room) const = 0;
  virtual std::string words(uint64_t from, uint64_t until) const = 0;
};

class ProcessPages : public PageSource {
 public:
  ProcessPages(RemoteMemory memory, std::string process)
      : memory_(std::move(memory)), process_(std::move(process)) {}
  Result<size_t> read(uint64_t at, std::span<char> room) const override;
  std::string words(uint64_t from, uint64_t until) const override;

 private:
  RemoteMemory memory_;
  std::string process_;
};

// Of a process that runs: what cannot be read just now is left for later.
class RunningPages : public PageSource {
 public:
  explicit RunningPages(RemoteMemory memory) : memory_(std::move(memory)) {}
  Result<size_t> read(uint64_t at, std::span<char> room) const override;
  std::string words(uint64_t from, uint64_t until) const override;

 private:
  RemoteMemory memory_;
};

class FilePages : public PageSource {
 public:
  // `prepare`: what is read is looked at there later; may be null.
  FilePages(UniqueFd file, std::string name, std::shared_ptr<const ContentMapping> prepare)
      : file_(std::move(file)), name_(std::move(name)), prepare_(std::move(prepare)) {}
  Result<size_t> read(uint64_t at, std::span<char> room) const override;
  std::string words(uint64_t from, uint64_t until) const override;
  int fd() const { return file_.get(); }

 private:
  UniqueFd file_;
  std::string name_;
  std::shared_ptr<const ContentMapping> prepare_;
};

}  // namespace appshot
