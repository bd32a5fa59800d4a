// Open files of every kind: what clones do with each.
#pragma once

#include "templates/context.h"

namespace appshot::templates {

// One record; of files that several have open, one for each holder.
void add_open_file(Context& context, const image::OpenFileT& file, const Holder& holder);

// Those that no process has open: on their way in messages, or waiting to be accepted.
void add_unheld_files(Context& context);

// "RegularFile" becomes "regular file".
std::string plain_words(const char* camel);

}  // namespace appshot::templates
