// Files by their names: what clones find there.
#pragma once

#include "templates/context.h"

namespace appshot::templates {

// Of an open file, a mapping or a folder that a process is in: fills in class, criterion, and what
// rules may say. The record's type is there already.
Subject of_named_file(Context& context, Subject subject, const image::FileNameT& name);

// Of what is mapped or run as a program: another file in its place is in the way.
void refuse_unless_same_elsewhere(Context& context, const Subject& subject,
                                  const image::FileNameT& name);

// What a place alone says.
void set_class(Subject& subject, const Where& where);

// In /dev/shm lie POSIX semaphores and shared memory.
rules::ResourceType type_of_path(const std::string& path);

void add_private_files(Context& context);

}  // namespace appshot::templates
