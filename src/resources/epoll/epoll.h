// epoll sets. What is watched is another open file; which one, kcmp tells. The set is filled when
// all files exist; entries for a signalfd, or for files that are made late, are added by a process
// that holds the set.
#pragma once

#include "resources/file_kind.h"

namespace appshot::epolls {

class Epoll : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::Epoll; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

std::vector<image::EpollTargetT> parse_targets(const std::string& fdinfo);

// Adds to every set of the image the files that init made, which are as ready now as they will be.
Result<> fill_sets(RestoreContext& context);
// The rest, by the process that holds the set; its descriptors are in place.
Result<> fill_sets_child(const RestoreContext& context, const image::ProcessT& process);
// And those for files that are made late, when they are in place.
void plan_late_entries(const image::ImageT& image, const image::ProcessT& process, CallList& calls,
                       DataSpace& data);

}  // namespace appshot::epolls
