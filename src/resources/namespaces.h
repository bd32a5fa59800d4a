// Namespaces that the application has made for itself: which of them can be kept, how they are
// written down, and how a restore makes them again.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/process_source.h"
#include "resources/restore_context.h"

namespace appshot::namespaces {

// Of one that is not the instance's, and that `path` leads to (/proc/12/ns/uts, /proc/12/fd/3): why
// it cannot be kept, in words that follow "a uts namespace of its own, ". Empty: it can.
std::string obstacle(const std::string& kind, const std::string& path);

// Its index among Image.namespaces; -1: it is the instance's own.
Result<int> capture(CaptureContext& context, const std::string& kind, const std::string& path);
// Of a socket, by any descriptor of it: its network namespace.
Result<UniqueFd> network_of(int socket);
Result<int> capture_network_of(CaptureContext& context, int socket);
// Those that it lives in.
Result<> capture_of_process(CaptureContext& context, const ProcessSource& source,
                            image::ProcessT& record);

// Those that a thread of it, which is not the one it was looked at through, has entered for itself.
Result<> capture_of_thread(CaptureContext& context, const ProcessSource& source, HostPid tid,
                           const image::ProcessT& record, image::ThreadT& thread);

// Kinds of which a thread may have one of its own that is kept, and their CLONE_NEW….
std::span<const std::pair<const char*, int>> kinds_of_threads();
// "net" of CLONE_NEWNET.
std::string kind_of(int flag);
// Of those that it does not share with its process: CLONE_NEW…, and the one, as space_of() tells
// it.
using Entered = std::vector<std::pair<int, int>>;
Entered entered_by(const image::ImageT& image, const image::ProcessT& process,
                   const image::ThreadT& thread);
// The same of a process that shares the memory of its maker: those it is not born into.
Entered entered_by(const image::ImageT& image, const image::ProcessT& process);
// Whether it lives in another one that it cannot enter so.
bool is_out_of_reach(const image::ImageT& image, const image::ProcessT& process);

// The one of that kind that it lives in, among Image.namespaces; -1: the instance's own.
int space_of(const image::ImageT& image, const image::ProcessT& process, std::string_view kind);

// Inside the new instance's init: all of them but those of mounts and of processes.
Result<> make_all(RestoreContext& context);
// By a process that makes one: into the user namespace that it belongs to.
Result<> enter_owner(const RestoreContext& context, const image::NamespaceT& space);
// By a process that has opened everything that is not there. It is born into its pid namespace, and
// enters the one of users with its credentials.
Result<> enter_child(const RestoreContext& context, const image::ProcessT& process);

// By who will enter that user namespace, and make the process there: into those that could not be
// entered from it.
Result<> enter_before_users_child(const RestoreContext& context, const image::ProcessT& process,
                                  int users);
// Other than by birth or with credentials.
bool is_entered(const image::NamespaceT& space);

}  // namespace appshot::namespaces
