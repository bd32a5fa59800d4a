// Files by name: how a file that a process uses is written down, and how it is found again.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/unique_fd.h"
#include "resources/capture_context.h"

namespace appshot {

image::Time to_time(const timespec& time);
timespec from_time(const image::Time& time);

// Of what is always found by its name.
std::unique_ptr<image::FileNameT> name_as_told(const std::string& link, const struct stat& info);

// `link` is what /proc shows ("/srv/x", "/srv/x (deleted)"), `info` the file's own state, `mount`
// through which it is open. When the name leads elsewhere by now, the content is kept in the image;
// `content` must then be readable.
Result<std::unique_ptr<image::FileNameT>> capture_name(
    CaptureContext& context, const std::string& link, const struct stat& info, uint64_t mount,
    const std::function<Result<UniqueFd>()>& content);

// Of what `path` leads to; 0 where it is not needed, because the application has mounted nothing.
Result<uint64_t> mount_if_needed(const CaptureContext& context, const std::string& path);
// The mount namespace it belongs to.
int space_of(const CaptureContext& context, uint64_t mount);

// The build id note of an ELF file, empty when there is none.
std::vector<uint8_t> build_id_of(int fd);

}  // namespace appshot
