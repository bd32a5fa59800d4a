// Trees of files that belong to the instance alone and so to its image: what its private layers and
// its file systems in memory hold.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/pages_reader.h"
#include "resources/capture_context.h"

namespace appshot {

using Attributes = std::vector<std::unique_ptr<image::AttributeT>>;

// Everything in `folder`, but what is named in `without`, goes to Image.private_files, its names
// behind `prefix`.
Result<> capture_files(CaptureContext& context, const std::string& folder,
                       const std::string& prefix, std::span<const std::string_view> without = {});
// What is seen of an instance's own layer over the frozen one of its template, as one layer. Either
// folder may be missing.
Result<> capture_layer(CaptureContext& context, const std::string& own, const std::string& frozen,
                       const std::string& prefix);
// The folder itself, without a name.
Result<std::unique_ptr<image::PrivateFileT>> capture_folder(const std::string& folder);

// Files of the image under `prefix` go below `folder`. `hides`: whether a whiteout with that name
// behind the prefix has something to hide; one that has not would be listed in its folder.
Result<> restore_files(const image::ImageT& image, const image::PagesReader& pages,
                       const std::string& prefix, const std::string& folder,
                       const std::function<Result<bool>(const std::string& name)>& hides = {});
// When everything is in it.
Result<> restore_folder(const image::PrivateFileT& record, const std::string& folder);

}  // namespace appshot
