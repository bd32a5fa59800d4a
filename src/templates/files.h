// Files by their names: what clones find there.
#pragma once

#include "templates/context.h"

namespace appshot::templates {

// Of an open file, a mapping or a folder that a process is in: fills in class, criterion, and what
// rules may say. The record's type is there already. What must be there when a clone begins, and
// will not be, is in the way.
Subject of_named_file(Context& context, Subject subject, const image::FileNameT& name);

// What a place alone says.
void set_class(Subject& subject, const Where& where);

// In /dev/shm lie POSIX semaphores and shared memory.
rules::ResourceType type_of_path(const std::string& path);

void add_private_files(Context& context);

}  // namespace appshot::templates
