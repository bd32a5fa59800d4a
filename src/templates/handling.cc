#include "templates/handling.h"

namespace appshot::templates {
namespace {

using enum rules::Action;

constexpr Outcome kCowOnly[] = {
    {cow, Class::cow}, {duplicate, Class::cow}, {virtualise, Class::cow}};
constexpr Outcome kNamedObject[] = {{duplicate, Class::duplicate},
                                    {cow, Class::duplicate, "copied at once"},
                                    {virtualise, Class::duplicate}};
constexpr Outcome kNamelessObject[] = {{duplicate, Class::duplicate},
                                       {cow, Class::duplicate, "copied at once"}};
constexpr Outcome kShareOnly[] = {{share, Class::share}};
constexpr Outcome kVirtualiseOnly[] = {{virtualise, Class::virtualise},
                                       {duplicate, Class::virtualise}};
constexpr Outcome kSharedAlready[] = {
    {share, Class::share}, {cow, Class::share}, {duplicate, Class::share}};
constexpr Outcome kRunning[] = {{share, Class::share},
                                {cow, Class::share},
                                {duplicate, Class::share},
                                {virtualise, Class::share}};
constexpr Outcome kCopied[] = {{cow, Class::cow}, {duplicate, Class::duplicate}};
constexpr Outcome kAllTheSame[] = {{share, Class::share},
                                   {duplicate, Class::share},
                                   {virtualise, Class::share},
                                   {multiplex, Class::share},
                                   {allocate, Class::share}};
constexpr Outcome kMultiplexed[] = {
    {multiplex, Class::multiplex}, {duplicate, Class::multiplex}, {virtualise, Class::multiplex}};
constexpr Outcome kInside[] = {{virtualise, Class::virtualise},
                               {duplicate, Class::virtualise},
                               {multiplex, Class::virtualise, "of what is published"},
                               {allocate, Class::virtualise, "of what is published"}};
constexpr Outcome kOutside[] = {{allocate, Class::allocate}, {multiplex, Class::multiplex}};
constexpr Outcome kOnNetwork[] = {{allocate, Class::allocate},
                                  {virtualise, Class::allocate, "the same inside"}};

constexpr std::string_view kMakeCommon = "EXCEPT PATH or run -v makes files common to all";
constexpr std::string_view kTakeBack = "take the rule back";

}  // namespace

std::string of_host(std::string_view why) {
  std::string text(kOfHost);
  return text.append(" (").append(why).append(")");
}

const Handling kLayerFile{kCowOnly, "it lies in the private layer, which no other instance sees",
                          kMakeCommon};
const Handling kMemoryFile{
    kNamedObject, "it lies in a file system in memory, which no other instance sees", kMakeCommon};
const Handling kLostFile{kNamelessObject, "it has no name any more by which another could find it",
                         "close it before the snapshot"};
const Handling kHostFile{kShareOnly, "it is the host's, which clones see as it is",
                         "take its path out of EXCEPT, run -v or --share"};
const Handling kKernelFile{kVirtualiseOnly, "the kernel tells each instance of itself there",
                           kTakeBack};
const Handling kElsewhere{kVirtualiseOnly, "a rule leads it elsewhere for each clone",
                          "take one of both rules back"};

const Handling kUnmodified{kSharedAlready, "it has no name but in its process", kTakeBack};
const Handling kProgram{kRunning, "", kTakeBack};
const Handling kPrivateMemory{kCopied, "the memory of a process has no name and is its own",
                              "let the rule say cow or duplicate"};
const Handling kLockedMemory{kNamelessObject, "the memory of a process has no name and is its own",
                             "let the rule say duplicate"};
const Handling kMappedOwn{kNamelessObject, "it is what has been mapped: see its own record",
                          "let the rule be of the type shm or file"};

const Handling kNamedIpc{kNamedObject,
                         "each clone has IPC names of its own, which no other instance sees",
                         "run --share ipc shares all of them"};
const Handling kNamelessIpc{kNamelessObject, "it has no name by which another could find it",
                            "let the rule say duplicate"};
const Handling kHostIpc{kShareOnly, "it is the host's (--share ipc)", "leave out --share ipc"};

const Handling kPipe{kNamelessObject, "it has no name by which another could find it",
                     "let the rule say duplicate"};
const Handling kNamedPipe{kNamedObject, "what is in it goes to one reader: no other has a part",
                          kMakeCommon};
const Handling kSocket{kNamelessObject, "what comes to it comes to one instance",
                       "rules of the type port say how many are reached from outside"};
const Handling kNamedSocket{kNamedObject, "what comes to it comes to one instance",
                            "rules of the type port say how many are reached from outside"};

const Handling kOwnTerminal{kNamedObject, "nobody outside of the application has its other end",
                            "let the rule say duplicate"};
const Handling kHarnessEnd{kMultiplexed, "each clone's harness has an end of its own",
                           "let the rule say multiplex"};

const Handling kStatelessDevice{kAllTheSame, "", kTakeBack};
const Handling kDevice{
    {}, "what a device holds can be neither shared nor duplicated", "close it before the snapshot"};

const Handling kInnerPort{kInside, "each clone listens in a network of its own",
                          "let the rule say virtualise"};
const Handling kPublishedPort{kOutside, "outside a number leads to one, or is divided",
                              "let the rule say allocate or multiplex"};
const Handling kAddress{kOnNetwork, "an address leads to one instance",
                        "let the rule say allocate"};

}  // namespace appshot::templates
