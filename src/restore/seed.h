// What instances of one image are made from without reading it again: a process that has opened and
// planned it, and holds the memory that is each process's own in windows of its address space. A
// fork of it is the harness of an instance, and restores from what it has inherited; the kernel
// shares the memory copy-on-write.
#pragma once

#include <memory>
#include <string>

#include "restore/restore.h"
#include "restore/restore_plan.h"

namespace appshot {

class Seed {
 public:
  // In the calling process, which has only this thread.
  static Result<std::unique_ptr<Seed>> load(const std::string& image_folder,
                                            const image::PagesReader::Tell& tell);

  const std::string& image_folder() const { return folder_; }
  const OpenedImage& image() const { return image_; }
  RestorePlan& plan() { return *plan_; }

  // In a fork: what takes part in its restore is no other's.
  Result<> begin_restore() { return plan_->zone->make_own(); }
  // In a fork that has made its instance's init: nothing needs the windows here any more.
  void let_go_of_memory();
  // In one whose instance runs.
  void end_restore() { plan_->zone.reset(); }

 private:
  Seed(std::string folder, OpenedImage image)
      : folder_(std::move(folder)), image_(std::move(image)) {}

  const std::string folder_;
  const OpenedImage image_;
  std::unique_ptr<RestorePlan> plan_;
};

}  // namespace appshot
