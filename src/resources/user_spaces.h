// User namespaces of the application's own: which ids they map, and how a restore makes them.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/restore_context.h"

namespace appshot::user_spaces {

// Maps and maker of the one that `path` leads to.
Result<> read(const std::string& path, image::NamespaceT& into);

// Inside the new instance's init, when the one it was made in is there. Where the instance has one
// of its own no other is outside of it, so that is the one.
Result<UniqueFd> make(const RestoreContext& context, const image::NamespaceT& space);

// What an id of the machine is called there; nothing: it has no name there.
using IdRanges = std::vector<image::IdRange>;
std::optional<uint32_t> id_in(const IdRanges& ranges, uint32_t id);

// The one a process lives in, Image.namespaces[]; -1: the instance's own.
int of(const image::ImageT& image, const image::ProcessT& process);
// Who it is when it enters that one: of who is made in another's memory, its maker.
const image::CredentialsT& entered_as(const image::ImageT& image, const image::ProcessT& process);
// Whether `space` is `other` or was made in it, however deep.
bool is_within(const image::ImageT& image, int space, int other);

}  // namespace appshot::user_spaces
