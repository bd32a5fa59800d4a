// The instance's own files: what its private layers, its /dev and its /dev/shm hold. They belong to
// the image, so that files and memory agree after a restore.
#pragma once

#include <string>

#include "base/result.h"
#include "image/pages_reader.h"
#include "isolation/lower_view.h"
#include "resources/capture_context.h"

namespace appshot::layers {

// How the image names what lies in them, before the name of a layer.
inline constexpr char kLayers[] = "layers/";

Result<> capture(CaptureContext& context);

// Before the instance's init exists: fills the layers' folders anew. `lower`: what they will lie
// over.
Result<> restore_layers(const image::ImageT& image, const image::PagesReader& pages,
                        const std::string& folder, const LowerView& lower);
// Inside: what lies in memory file systems.
Result<> restore_memory_files(const image::ImageT& image, const image::PagesReader& pages);

}  // namespace appshot::layers
