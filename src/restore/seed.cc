#include "restore/seed.h"

#include <sys/mman.h>

#include "resources/restore_context.h"
#include "restore/windows.h"

namespace appshot {

Result<std::unique_ptr<Seed>> Seed::load(const std::string& image_folder,
                                         const image::PagesReader::Tell& tell) {
  std::unique_ptr<Seed> seed(new Seed(image_folder, TRY(OpenedImage::open(image_folder))));
  const image::ImageT& image = seed->image_.manifest;
  seed->plan_ = TRY(RestorePlan::make(image, MemoryWish::eager));
  RestoreContext context{image, seed->image_.pages, {}};
  context.is_clone = true;
  context.tell_loaded = tell;
  TRY(make_windows(context, seed->plan_->layout, seed->plan_->lazy, Windows::common));
  seed->plan_->has_common_windows = true;
  return seed;
}

void Seed::let_go_of_memory() {
  for (const MemoryLayout::Span& span : plan_->layout.spans)
    if (span.start != span.end)
      ::munmap(reinterpret_cast<void*>(span.start), span.end - span.start);
}

}  // namespace appshot
