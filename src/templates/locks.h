// File locks and leases.
#pragma once

#include "templates/context.h"

namespace appshot::templates {

// Those of a description (flock, open-file locks, leases).
void add_locks(Context& context, const image::OpenFileT& file, const Holder& holder);
// Those of a process.
void add_locks(Context& context, const image::DescriptorT& descriptor, const Holder& holder);

}  // namespace appshot::templates
