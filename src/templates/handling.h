// What RESOURCE rules can make of a resource. Not all that the language can say can be done with
// everything: what cannot be is told, with why and what to do instead.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "rules/rule.h"
#include "templates/record.h"

namespace appshot::templates {

struct Outcome {
  rules::Action action;
  Class cls;                                       // what clones do when a rule says that
  std::string_view unlike = "the same in effect";  // where this is another word
};

struct Handling {
  std::span<const Outcome> can;
  std::string_view why_nothing_else;
  std::string_view instead;
};

// Why resources are of the class that they have by themselves: the criteria of docs/templates.md.
inline constexpr std::string_view kCannotBeModified = "cannot be modified";
inline constexpr std::string_view kCanBeModified = "can be modified";
inline constexpr std::string_view kOwnObject = "an object of the application";
inline constexpr std::string_view kNamed = "its name is unique on a system";
inline constexpr std::string_view kOfHost = "the host's";
inline constexpr std::string_view kOfKernel = "the kernel's";
inline constexpr std::string_view kNoState = "holds no state";
inline constexpr std::string_view kHarness = "the harness has its other end";
inline constexpr std::string_view kUniqueOutside = "unique outside";
inline constexpr std::string_view kUniqueOnNetwork = "unique on the network";
inline constexpr std::string_view kOneConnection = "one clone's at most; to others closed";

// "the host's (--share net)"
std::string of_host(std::string_view why);

extern const Handling kLayerFile, kMemoryFile, kLostFile, kHostFile, kKernelFile, kElsewhere;
extern const Handling kProgram, kUnmodified, kPrivateMemory, kLockedMemory, kMappedOwn;
extern const Handling kNamedIpc, kNamelessIpc, kHostIpc;
extern const Handling kPipe, kNamedPipe, kSocket, kNamedSocket;
extern const Handling kOwnTerminal, kHarnessEnd;
extern const Handling kStatelessDevice, kDevice;
extern const Handling kInnerPort, kPublishedPort, kAddress;

}  // namespace appshot::templates
