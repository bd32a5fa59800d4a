// What threads, and processes that share memory with their parent, have for themselves: a folder or
// root that no other thread shares, descriptors apart from the parent's. They are made by clone()
// with everything shared and then leave it (unshare). By that time nothing can be opened by its
// name any more; so the process in whose memory they are born carries what they will have.
#pragma once

#include <utility>
#include <vector>

#include "image/schema/values.h"
#include "restore/late_files.h"
#include "trace/call_list.h"

namespace appshot {

struct OwnParts {
  struct One {
    const image::FileNameT* cwd = nullptr;  // nullptr: folders are shared
    const image::FileNameT* root = nullptr;
    uint32_t umask = 0;
    bool changes_root = true;
    const image::ProcessT* descriptors = nullptr;  // of which they are; nullptr: shared
    std::vector<std::pair<int, int>>
        namespaces{};                          // that it enters: CLONE_NEW…, Image.namespaces[]
    const void* whose = nullptr;               // the record of the process or thread
    const image::ProcessT* process = nullptr;  // that it is, or is of
    int carrier = 0;                           // process id
    int first = 0;                             // carried from this number on
  };

  // The numbers lie behind all of the application's and that of `late`.
  OwnParts(const image::ImageT& image, const LateFiles& late);
  int end() const { return end_; }

  std::vector<const One*> carried_by(const image::ProcessT& process) const;
  // The folders come first.
  static int cwd_number(const One& one) { return one.first; }
  static int root_number(const One& one) { return one.first + 1; }
  static int descriptor_number(const One& one, size_t index);
  static int namespace_number(const One& one, size_t index);

  // By the thread itself: leaves what it does not share, and takes its own.
  void plan_take(const void* whose, CallList& calls, DataSpace& data) const;
  // Whether the carrier must have /proc too, for those that open files later.
  bool needs_proc(const image::ProcessT& process) const;
  // By a process that is born last (born_late.h), before that: files that were made late, and which
  // its parent has open by then.
  void plan_carry_open(const image::ProcessT& process, CallList& calls) const;
  // By the carrier, and by those on the way from it, when all have theirs.
  void plan_give_up(const image::ProcessT& process, CallList& calls) const;

 private:
  void add(One one);
  std::vector<const One*> held_for_others(const image::ProcessT& process) const;

  const image::ImageT& image_;

  const LateFiles& late_;
  std::vector<One> all_;
  int first_, end_;
};

// The process that is forked, and in whose memory this one is made.
const image::ProcessT& memory_owner(const image::ImageT& image, const image::ProcessT& process);

}  // namespace appshot
