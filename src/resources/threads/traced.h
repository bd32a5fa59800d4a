// How a thread is traced by another of the application (see trace/traced.h), as the image tells it.
#pragma once

#include <memory>

#include "image/schema/values.h"
#include "trace/traced.h"

namespace appshot::threads {

std::unique_ptr<image::TracedT> describe(const TracedState& state);
TracedState traced_state(const image::TracedT& record);

}  // namespace appshot::threads
