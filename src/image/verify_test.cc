// Each case breaks one thing in an image that is otherwise in order.
#include <gtest/gtest.h>

#include <functional>

#include "image/manifest.h"
#include "image/rich_image_for_test.h"

namespace appshot::image {
namespace {

struct Case {
  const char* name;
  std::function<void(ImageT&)> damage;
};

MappingT& heap(ImageT& image) { return *image.processes[0]->address_space->mappings[1]; }

TracedT& traced(ImageT& image) { return *image.processes[1]->threads[0]->traced; }

ThreadT& awaiting(ImageT& image) { return *image.processes[0]->threads[1]; }
ProcessT& awaited(ImageT& image) { return *image.processes.back(); }

template <typename Kind>
Kind& find_file(ImageT& image) {
  for (auto& file : image.open_files)
    if (file->kind.type == FileKindUnionTraits<Kind>::enum_value)
      return *static_cast<Kind*>(file->kind.value);
  throw std::out_of_range("the rich image has no such file");
}

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class VerifyReferences : public testing::TestWithParam<Case> {};

TEST_P(VerifyReferences, Refuses) {
  ImageT image = rich_image();
  ASSERT_TRUE(verify_references(image));
  GetParam().damage(image);
  Result<> verified = verify_references(image);
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().cls(), ErrorClass::corrupt);
}

const Case kImageCases[] = {
    {"NoProcess", [](ImageT& i) { i.processes.clear(); }},
    {"NoMachine", [](ImageT& i) { i.machine.reset(); }},
    {"ImpossiblePageSize", [](ImageT& i) { i.machine->page_size = 5000; }},
    {"OtherBlockSize", [](ImageT& i) { i.pages_block = 1; }},
    {"PagesInAForeignFile", [](ImageT& i) { i.pages[0]->file = "pages./../../etc"; }},
    {"PagesInNoFile", [](ImageT& i) { i.pages[0]->file = "pages."; }},
    {"PartOffTheBlocks", [](ImageT& i) { i.pages[0]->base = kPageSize; }},
    {"EmptyPart", [](ImageT& i) { i.pages[0]->length = 0; }},
    {"PartThatWrapsAround", [](ImageT& i) { i.pages[0]->base = ~0ULL << 18; }},
    {"PartOfImpossibleLength", [](ImageT& i) { i.pages[0]->length = ~0ULL; }},
    {"TooFewChecksums", [](ImageT& i) { i.pages[0]->checksums.clear(); }},
    {"PartsOverOneAnother",
     [](ImageT& i) { i.pages.push_back(std::make_unique<PagesPartT>(*i.pages[0])); }},
    {"NoClocks", [](ImageT& i) { i.clock_boottime.reset(); }},
    {"GhostBeyondPages", [](ImageT& i) { i.ghosts[0]->pages = {PageRun(0, 0x1000, 0x6000)}; }},
    {"GhostRunWrapsAround",
     [](ImageT& i) { i.ghosts[0]->pages = {PageRun(0, 0x1000, ~0ULL - 0x800)}; }},
    {"GhostRunOutsideFile", [](ImageT& i) { i.ghosts[0]->pages = {PageRun(0x2000, 0x1000, 0)}; }},
    {"SharedMemoryRunOutside", [](ImageT& i) { i.shared_memory[0]->size = 0x1000; }},
    {"SharedMemoryOfNoKind",
     [](ImageT& i) { i.shared_memory[0]->kind = static_cast<SharedMemoryKind>(9); }},
    {"HugePagesOfNoSize", [](ImageT& i) { i.shared_memory[0]->huge_page = 3 << 20; }},
    {"SmallHugePages", [](ImageT& i) { i.shared_memory[0]->huge_page = kPageSize; }},
    {"PartOfAHugePage", [](ImageT& i) { i.shared_memory[0]->huge_page = 2 << 20; }},
    {"MappingOfPartOfAHugePage",
     [](ImageT& i) { i.processes[0]->address_space->mappings[1]->huge_page = 2 << 20; }},
    {"SegmentWithoutObject", [](ImageT& i) { i.sysv_shm[0]->object = 1; }},
    {"SegmentWithoutPermissions", [](ImageT& i) { i.sysv_shm[0]->permissions.reset(); }},
    {"SemaphoresWithoutPermissions", [](ImageT& i) { i.sysv_sem[0]->permissions.reset(); }},
    {"QueueWithoutPermissions", [](ImageT& i) { i.sysv_queues[0]->permissions.reset(); }},
    {"SegmentOfNoIpcNamespace", [](ImageT& i) { i.sysv_shm[0]->space = 0; }},
    {"SegmentApartFromItsMemory", [](ImageT& i) { i.shared_memory[0]->sysv_space = -1; }},
    {"SemaphoresOfNoNamespace", [](ImageT& i) { i.sysv_sem[0]->space = 9; }},
    {"QueueOfNoIpcNamespace", [](ImageT& i) { i.sysv_queues[0]->space = 2; }},
    {"PosixQueueOfNoNamespace", [](ImageT& i) { i.message_queues[0]->space = -2; }},
    {"PipeOfOtherMode", [](ImageT& i) { i.pipes[0]->mode = 0100600; }},
    {"StreamOfOtherMode",
     [](ImageT& i) {
       for (auto& file : i.open_files)
         if (StreamT* stream = file->kind.AsStream()) stream->mode = 0100600;
     }},
    {"PipeChunksUnlikeData", [](ImageT& i) { i.pipes[0]->data.pop_back(); }},
    {"MappedFileWithoutGhost", [](ImageT& i) { i.mapped_files[0]->ghost = 1; }},
};

const Case kFileCases[] = {
    {"KindWithoutContent",
     [](ImageT& i) {
       i.open_files[0]->kind.Reset();
       i.open_files[0]->kind.type = FileKind::RegularFile;
     }},
    {"NoKind", [](ImageT& i) { i.open_files[0]->kind.Reset(); }},
    {"NoName", [](ImageT& i) { i.open_files[0]->kind.AsRegularFile()->name.reset(); }},
    {"NameWithNul", [](ImageT& i) { i.open_files[1]->kind.AsDeviceFile()->name->path[1] = '\0'; }},
    {"NoGhost", [](ImageT& i) { i.open_files[0]->kind.AsRegularFile()->name->ghost = 1; }},
    {"NegativeGhost", [](ImageT& i) { i.open_files[0]->kind.AsRegularFile()->name->ghost = -2; }},
    {"NoPipe", [](ImageT& i) { i.open_files[3]->kind.AsPipe()->pipe = 1; }},
    {"NoNamedPipe", [](ImageT& i) { i.open_files[2]->kind.AsNamedPipe()->pipe = -1; }},
    {"EpollOfNoFile", [](ImageT& i) { i.open_files[4]->kind.AsEpoll()->targets[0]->file = 99; }},
    {"EpollOfNoDescriptor",
     [](ImageT& i) { i.open_files[4]->kind.AsEpoll()->targets[0]->fd = -1; }},
    {"TimerWithoutValue", [](ImageT& i) { i.open_files[5]->kind.AsTimerfd()->value.reset(); }},
    {"WatchOfNothing",
     [](ImageT& i) { i.open_files[6]->kind.AsInotify()->watches[0]->name.reset(); }},
    {"MemfdWithoutObject", [](ImageT& i) { i.open_files[7]->kind.AsMemfd()->object = 1; }},
    {"FileAboutNoProcess",
     [](ImageT& i) { find_file<ProcessFileT>(i).path = "sys/kernel/core_pattern"; }},
    {"FileAboveProc", [](ImageT& i) { find_file<ProcessFileT>(i).path = "2/../../etc/passwd"; }},
    {"NamespaceOfNoKind", [](ImageT& i) { find_file<NamespaceFileT>(i).kind = "../exe"; }},
    {"NamespaceOutside", [](ImageT& i) { find_file<NamespaceFileT>(i).index = 4; }},
    {"NamespaceOfAnotherKind", [](ImageT& i) { find_file<NamespaceFileT>(i).index = 0; }},
    {"PathInNoMountNamespace", [](ImageT& i) { i.processes[0]->cwd->space = 0; }},
    {"MappedFileInNoMountNamespace", [](ImageT& i) { i.mapped_files[0]->space = 3; }},
    {"ExpectedFileWithoutName", [](ImageT& i) { i.expected_files[0]->name.reset(); }},
    {"ExpectedFileFromNowhere", [](ImageT& i) { i.expected_files[0]->name->path = "srv/data"; }},
    {"ExpectedFileThatIsKept", [](ImageT& i) { i.expected_files[0]->name->ghost = 0; }},
    {"ExpectedFolder", [](ImageT& i) { i.expected_files[0]->name->mode = 040755; }},
    {"ExpectedFileOfNoTime", [](ImageT& i) { i.expected_files[0]->name->mtime.reset(); }},
    {"ExpectedFileInNoMountNamespace", [](ImageT& i) { i.expected_files[0]->name->space = 3; }},
    {"SocketOfNoNetwork", [](ImageT& i) { i.open_files[0]->network = 0; }},
    {"SettingElsewhere",
     [](ImageT& i) { i.networks[1]->settings[0]->path = "/proc/sys/net/../kernel/x"; }},
    {"NetworkOfAnotherKind", [](ImageT& i) { i.networks[1]->space = 0; }},
    {"NetworkToldTwice", [](ImageT& i) { i.networks[1]->space = -1; }},
    {"NetworkDeviceCutShort", [](ImageT& i) { i.networks[0]->devices[0]->body.resize(15); }},
    {"NetworkDeviceWithoutNumber", [](ImageT& i) { i.networks[0]->devices[0]->body[4] = 0; }},
    {"CableWithOneEnd", [](ImageT& i) { i.network_cables[0] = NetworkCable(-1, 3, -1, 3); }},
    {"CableToNoDevice", [](ImageT& i) { i.network_cables[0] = NetworkCable(-1, 3, 3, 4); }},
    {"FileSystemOfNoKind", [](ImageT& i) { i.file_systems[1]->type = "ext4"; }},
    {"FileSystemOfAnotherNamespace", [](ImageT& i) { i.file_systems[1]->shows = 3; }},
    {"MountedNamespaceOfNoKind",
     [](ImageT& i) {
       i.file_systems.push_back(std::make_unique<FileSystemT>());
       i.file_systems.back()->type = "nsfs";
       i.file_systems.back()->source = "mnt";
       i.file_systems.back()->shows = 2;
     }},
    {"FileSystemWithoutRoot", [](ImageT& i) { i.file_systems[1]->folder.reset(); }},
    {"FileSystemElsewhere", [](ImageT& i) { i.file_systems[0]->place = "/../x"; }},
    {"NamespaceMadeInALaterOne", [](ImageT& i) { i.namespaces[5]->parent = 5; }},
    {"NamespaceMadeInAnotherKind", [](ImageT& i) { i.namespaces[5]->parent = 4; }},
    {"NamespaceOwnedByAnotherKind", [](ImageT& i) { i.namespaces[5]->owner = 0; }},
    {"UserNamespaceThatIsOwned", [](ImageT& i) { i.namespaces[4]->owner = 4; }},
    {"NoIdsInARange", [](ImageT& i) { i.namespaces[4]->users = {IdRange(0, 0, 0)}; }},
    {"IdsThatWrapAround", [](ImageT& i) { i.namespaces[4]->groups = {IdRange(0, ~0U, 2)}; }},
    {"NoOffsetOfAClock", [](ImageT& i) { i.namespaces[6]->boottime_ahead.reset(); }},
    {"TooFewIds", [](ImageT& i) { i.processes[1]->nested_ids.clear(); }},
    {"TooManyIds", [](ImageT& i) { i.processes[0]->nested_ids = {1}; }},
    {"ImpossibleNestedId", [](ImageT& i) { i.processes[2]->nested_ids = {0}; }},
    {"NestedIdTwice", [](ImageT& i) { i.processes[2]->nested_ids = {1}; }},
    {"NestedIdOfAnotherThread", [](ImageT& i) { i.processes[2]->nested_ids = {2}; }},
    {"ThreadWithoutNestedIds", [](ImageT& i) { i.processes[1]->threads[0]->nested_ids.clear(); }},
    {"PidNamespaceWithoutAFirst",
     [](ImageT& i) {
       i.processes[1]->nested_ids = {7};
       i.processes[1]->threads[0]->nested_ids = {7};
     }},
    {"ChildrenBornInAnotherKind", [](ImageT& i) { i.processes[0]->space_of_children = 4; }},
    {"ProcessesOfNoNamespace", [](ImageT& i) { i.file_systems[1]->processes_of = 9; }},
    {"ProcessesInFiles", [](ImageT& i) { i.file_systems[1]->processes_of = 5; }},
    {"MountOfNoKind", [](ImageT& i) { i.mounts[0]->kind = static_cast<MountKind>(9); }},
    {"MountOfNoFileSystem", [](ImageT& i) { i.mounts[2]->file_system = 2; }},
    {"MountOnALaterOne", [](ImageT& i) { i.mounts[2]->parent = 3; }},
    {"MountOnOneThatIsGone", [](ImageT& i) { i.mounts[2]->parent = 0; }},
    {"MountOnAnotherNamespaces", [](ImageT& i) { i.mounts[4]->parent = 1; }},
    {"MountUpwards", [](ImageT& i) { i.mounts[4]->point = "srv/../.."; }},
    {"MountOfWhatIsAbove", [](ImageT& i) { i.mounts[4]->root = ".."; }},
    {"TwoRoots", [](ImageT& i) { i.mounts[4]->parent = -1; }},
    {"NoRoot", [](ImageT& i) { i.mounts.resize(3); }},
    {"RootOfTheInstance", [](ImageT& i) { i.mounts[2]->parent = -1; }},
    {"GroupOfNoFileSystem", [](ImageT& i) { i.mounts[1]->group = 1; }},
    {"GhostWithoutTime", [](ImageT& i) { i.ghosts[0]->mtime.reset(); }},
    {"SharesWithInit", [](ImageT& i) { i.processes[0]->shares_memory = true; }},
    {"SharesAndHasMemory", [](ImageT& i) { i.processes[1]->shares_memory = true; }},
    {"SharesAndHasDescriptors", [](ImageT& i) { i.processes[1]->shares_descriptors = true; }},
    {"SharesFoldersWithInit", [](ImageT& i) { i.processes[0]->shares_folders = true; }},
    {"SharesActionsAlone", [](ImageT& i) { i.processes[1]->shares_actions = true; }},
    {"ZombieThatShares", [](ImageT& i) { i.processes[2]->shares_folders = true; }},
    {"SharesOneWithParentAndOwnsTheOther",
     [](ImageT& i) {
       i.processes[1]->shares_folders = true;
       i.processes[2] = std::make_unique<ProcessT>(std::move(*rich_process(4, 3)));
       i.processes[2]->shares_descriptors = true;
       i.processes[2]->descriptors.clear();
     }},
    {"SharesFoldersWithOneInTheMemoryOfAnother",
     [](ImageT& i) {
       i.processes[1]->shares_memory = true;
       i.processes[1]->address_space->mappings.clear();
       i.processes[2] = std::make_unique<ProcessT>(std::move(*rich_process(4, 3)));
       i.processes[2]->shares_folders = true;
     }},
    {"MadeByNobody", [](ImageT& i) { awaited(i).maker = 77; }},
    {"MadeForAnotherParent", [](ImageT& i) { i.processes[1]->maker = awaited(i).pid; }},
    {"MadeByAnotherAndSharesNothing", [](ImageT& i) { i.processes[1]->maker = 2; }},
    {"MadeByItself", [](ImageT& i) { awaited(i).maker = awaited(i).pid; }},
    {"ThreadWithFoldersOfNobody", [](ImageT& i) { i.processes[1]->threads[0]->folders_of = 77; }},
    {"ThreadWithFoldersOfItsOwnAndAnothers",
     [](ImageT& i) { i.processes[1]->threads[1]->folders_of = 103; }},
    {"ThreadWithFoldersOfOneThatHasNone",
     [](ImageT& i) {
       i.processes[1]->threads[1]->folders.reset();
       i.processes[1]->threads[1]->folders_of = 3;
     }},
    {"ThreadInNoSuchNamespace", [](ImageT& i) { i.processes[0]->threads[1]->namespaces = {77}; }},
    {"ThreadInTwoOfAKind",
     [](ImageT& i) {
       i.processes[0]->threads[1]->namespaces = {0, 0};
     }},
    {"ThreadInNamespacesAsItsProcess",
     [](ImageT& i) { i.processes[0]->threads[1]->has_namespaces = false; }},
    {"WaitsForNobody", [](ImageT& i) { awaiting(i).awaited = 77; }},
    {"WaitsForAnothersChild",
     [](ImageT& i) { std::swap(awaiting(i).awaited, i.processes[1]->threads[1]->awaited); }},
    {"TwoWaitForOne", [](ImageT& i) { i.processes[0]->threads[0]->awaited = awaiting(i).awaited; }},
    {"WaitsThoughStopped", [](ImageT& i) { i.processes[0]->state = ProcessState::stopped; }},
    {"WaitsInTwoCalls", [](ImageT& i) { awaiting(i).waiting = std::make_unique<WaitingT>(); }},
    {"WaitsForOneInItsOwnMemory", [](ImageT& i) { awaited(i).shares_memory = false; }},
    {"WaitsForOneThatIsStopped", [](ImageT& i) { awaited(i).state = ProcessState::stopped; }},
    {"WaitsForOneWithThreads", [](ImageT& i) { awaited(i).threads.push_back(rich_thread(999)); }},
    {"WaitsForOneWithChildren",
     [](ImageT& i) { i.processes.push_back(rich_process(6, awaited(i).pid)); }},
    {"ThreadWithoutRoot", [](ImageT& i) { i.processes[0]->threads[1]->folders->root.reset(); }},
    {"LockOfNoKind",
     [](ImageT& i) { i.open_files[0]->locks[0]->kind = static_cast<LockKind>(77); }},
    {"PrivateFileElsewhere", [](ImageT& i) { i.private_files[0]->path = "etc/passwd"; }},
    {"PrivateFileUpwards", [](ImageT& i) { i.private_files[0]->path = "layers/root/../../x"; }},
    {"PrivateFileLayerUpwards", [](ImageT& i) { i.private_files[0]->path = "layers/../x"; }},
    {"PrivateFileEmptyName", [](ImageT& i) { i.private_files[0]->path = "layers/root//x"; }},
    {"PrivateFileOfNoLayer", [](ImageT& i) { i.private_files[0]->path = "layers/root"; }},
    {"PrivateFileThroughLink", [](ImageT& i) { i.private_files[0]->mode = 0120777; }},
    {"PrivateFileWithoutTime", [](ImageT& i) { i.private_files[0]->mtime.reset(); }},
    {"PrivateFileSameAsItself", [](ImageT& i) { i.private_files[2]->same_as = 2; }},
    {"PrivateFileSameAsFolder", [](ImageT& i) { i.private_files[2]->same_as = 0; }},
    {"PrivateFileSameAsElsewhere", [](ImageT& i) { i.private_files[3]->same_as = 1; }},
};

const Case kProcessCases[] = {
    {"PidOfInit", [](ImageT& i) { i.processes[0]->pid = 1; }},
    {"PidTwice", [](ImageT& i) { i.processes[1]->pid = 2; }},
    {"PidTooBig", [](ImageT& i) { i.processes[2]->pid = 1 << 23; }},
    {"ParentComesLater", [](ImageT& i) { i.processes[0]->parent = 3; }},
    {"ParentIsAThread", [](ImageT& i) { i.processes[1]->parent = 102; }},
    {"ParentIsItself", [](ImageT& i) { i.processes[1]->parent = 3; }},
    {"GroupImpossible", [](ImageT& i) { i.processes[0]->group = -1; }},
    {"StateUnknown", [](ImageT& i) { i.processes[0]->state = static_cast<ProcessState>(9); }},
    {"NoThreads", [](ImageT& i) { i.processes[0]->threads.clear(); }},
    {"LeaderNotFirst",
     [](ImageT& i) { std::swap(i.processes[0]->threads[0], i.processes[0]->threads[1]); }},
    {"LeaderThatExited", [](ImageT& i) { i.processes[0]->state = ProcessState::leader_exited; }},
    {"TidTwice", [](ImageT& i) { i.processes[1]->threads[1]->tid = 102; }},
    {"ShortRegisters", [](ImageT& i) { i.processes[0]->threads[0]->registers.pop_back(); }},
    {"NoCredentials", [](ImageT& i) { i.processes[0]->threads[1]->credentials.reset(); }},
    {"ThreeUids", [](ImageT& i) { i.processes[0]->threads[1]->credentials->uid.pop_back(); }},
    {"NoScheduling", [](ImageT& i) { i.processes[0]->threads[1]->scheduling.reset(); }},
    {"NoAltStack", [](ImageT& i) { i.processes[0]->threads[1]->alt_stack.reset(); }},
    {"NoRseq", [](ImageT& i) { i.processes[0]->threads[1]->rseq.reset(); }},
    {"HalfAFilter",
     [](ImageT& i) { i.processes[0]->threads[0]->filters[0]->instructions.pop_back(); }},
    {"ShortSignal", [](ImageT& i) { i.processes[0]->pending[0]->info.pop_back(); }},
    {"ShortThreadSignal", [](ImageT& i) { i.processes[0]->threads[0]->pending[0]->info.clear(); }},
    {"FewActions", [](ImageT& i) { i.processes[0]->actions.pop_back(); }},
    {"FewTimers", [](ImageT& i) { i.processes[0]->interval_timers.pop_back(); }},
    {"PosixTimerWithoutValue", [](ImageT& i) { i.processes[0]->posix_timers[0]->value.reset(); }},
    {"PosixTimerThatExpiredTooOften",
     [](ImageT& i) {
       i.processes[0]->posix_timers[0]->waiting_overrun = 1 << 30;
       i.processes[0]->posix_timers[0]->interval = std::make_unique<Time>(1 << 20, 0);
     }},
    {"ContinuedChildOfAnother", [](ImageT& i) { i.processes[1]->continued_children = {2}; }},
    {"ContinuedZombie", [](ImageT& i) { i.processes[1]->continued_children = {4}; }},
    {"ContinuedAndStopped", [](ImageT& i) { i.processes[1]->state = ProcessState::stopped; }},
    {"NoFolder", [](ImageT& i) { i.processes[0]->cwd.reset(); }},
    {"TracedByNobody", [](ImageT& i) { traced(i).tracer = 9; }},
    {"TracedByItself", [](ImageT& i) { traced(i).tracer = 3; }},
    {"TracedByATraced",
     [](ImageT& i) { i.processes[0]->threads[1]->traced = std::make_unique<TracedT>(traced(i)); }},
    {"TracedByTwoOfAProcess",
     [](ImageT& i) {
       i.processes[1]->threads[1]->traced = std::make_unique<TracedT>(traced(i));
       traced(i).tracer = 102;
     }},
    {"TracedByAStopped", [](ImageT& i) { i.processes[0]->state = ProcessState::stopped; }},
    {"TracedInNoStop", [](ImageT& i) { traced(i).stop = static_cast<TraceStop>(9); }},
    {"InterruptedThoughAttached", [](ImageT& i) { traced(i).stop = TraceStop::interrupted; }},
    {"TracedWithUnknownOptions", [](ImageT& i) { traced(i).options = 1 << 30; }},
    {"AnotherSignalThanTold", [](ImageT& i) { traced(i).signal = 9; }},
    {"SignalWithoutInfo", [](ImageT& i) { traced(i).signal_info.clear(); }},
    {"HalfOfTheBreakpoints",
     [](ImageT& i) {
       i.processes[1]->threads[0]->debug_registers = {1, 2};
     }},
    {"NamespaceOfNone", [](ImageT& i) { i.processes[0]->namespaces = {7}; }},
    {"TwoNamespacesOfAKind",
     [](ImageT& i) {
       i.processes[0]->namespaces = {0, 0};
     }},
    {"NamespaceThatIsNotMade", [](ImageT& i) { i.namespaces[0]->kind = "pid"; }},
    {"HostNameTooLong", [](ImageT& i) { i.namespaces[0]->host_name.resize(65); }},
    {"DescriptorTwice", [](ImageT& i) { i.processes[0]->descriptors[1]->fd = 0; }},
    {"DescriptorNegative", [](ImageT& i) { i.processes[0]->descriptors[0]->fd = -1; }},
    {"DescriptorOfNothing",
     [](ImageT& i) {
       i.processes[0]->descriptors[2]->file = static_cast<int>(i.open_files.size());
     }},
    {"NoMemory", [](ImageT& i) { i.processes[0]->address_space.reset(); }},
    {"NoProgram", [](ImageT& i) { i.processes[0]->address_space->exe.reset(); }},
    {"NoMarks", [](ImageT& i) { i.processes[0]->address_space->marks.reset(); }},
    {"MappingsOverlap", [](ImageT& i) { heap(i).start = 0x400000; }},
    {"MappingEmpty", [](ImageT& i) { heap(i).end = heap(i).start; }},
    {"MappingUnaligned", [](ImageT& i) { heap(i).start += 1; }},
    {"MappingBeyondUserSpace", [](ImageT& i) { heap(i).end = 1ULL << 48; }},
    {"MappingOfNoKind", [](ImageT& i) { heap(i).kind = static_cast<MappingKind>(99); }},
    {"MappingOfNoFile", [](ImageT& i) { i.processes[0]->address_space->mappings[0]->object = -1; }},
    {"MappingOfNoMemory",
     [](ImageT& i) { i.processes[0]->address_space->mappings[2]->object = 1; }},
    {"PagesOutsideMapping", [](ImageT& i) { heap(i).pages = {PageRun(0x504000, 0x1000, 0)}; }},
    {"PagesOutOfOrder", [](ImageT& i) { std::swap(heap(i).pages[0], heap(i).pages[1]); }},
    {"PagesBeyondFile", [](ImageT& i) { heap(i).pages = {PageRun(0x500000, 0x1000, 0x5001)}; }},
    {"GuardsOutsideMapping", [](ImageT& i) { heap(i).guards = {PageRun(0x4ff000, 0x1000, 0)}; }},
};

std::string name_of_case(const testing::TestParamInfo<Case>& info) { return info.param.name; }

FileKindUnion& find_kind(ImageT& image, FileKind kind) {
  auto found = std::find_if(image.open_files.begin(), image.open_files.end(),
                            [&](const auto& file) { return file->kind.type == kind; });
  return (*found)->kind;
}
UnixSocketT& unix_socket(ImageT& i) { return *find_kind(i, FileKind::UnixSocket).AsUnixSocket(); }
TcpSocketT& tcp_socket(ImageT& i) { return *find_kind(i, FileKind::TcpSocket).AsTcpSocket(); }
UdpSocketT& udp_socket(ImageT& i) { return *find_kind(i, FileKind::UdpSocket).AsUdpSocket(); }

EndedTcp ended_tcp(int network, uint8_t domain, uint8_t state, uint16_t port) {
  return EndedTcp(0, 1, 0, 2, network, 3, 4, 5, 6, 7, port, 81, domain, state, 7, 1);
}

const Case kSocketCases[] = {
    {"UnixPeerOutside", [](ImageT& i) { unix_socket(i).peer = 9999; }},
    {"UnixPeerOfAnotherKind", [](ImageT& i) { unix_socket(i).peer = 0; }},
    {"UnixNameTooLong", [](ImageT& i) { unix_socket(i).name.resize(109); }},
    {"UnixStateUnknown", [](ImageT& i) { unix_socket(i).state = static_cast<UnixState>(9); }},
    {"UrgentByteOfNone", [](ImageT& i) { unix_socket(i).messages[0]->urgent = true; }},
    {"FileOnItsWayOutside", [](ImageT& i) { unix_socket(i).messages[0]->files = {-1}; }},
    {"WaitingClientIsNoSocket", [](ImageT& i) { unix_socket(i).waiting[0]->client = 0; }},
    {"WaitingClientIsNoFile", [](ImageT& i) { unix_socket(i).waiting[0]->client = 99; }},
    {"ClientWaitsTwice",
     [](ImageT& i) {
       const auto is_unix = [](const auto& file) {
         return file->kind.type == FileKind::UnixSocket;
       };
       const auto found = std::find_if(i.open_files.begin(), i.open_files.end(), is_unix);
       UnixSocketT& socket = unix_socket(i);
       socket.waiting.push_back(std::make_unique<UnixWaitingT>());
       for (auto& waiting : socket.waiting)
         waiting->client = static_cast<int>(found - i.open_files.begin());
     }},
    {"WaitingClientWithLongName",
     [](ImageT& i) { unix_socket(i).waiting[0]->client_name.resize(109); }},
    {"WaitingMessageWithNoFile",
     [](ImageT& i) { unix_socket(i).waiting[0]->messages[0]->files = {99}; }},
    {"TcpFamily", [](ImageT& i) { tcp_socket(i).domain = 99; }},
    {"TcpNameCutShort", [](ImageT& i) { tcp_socket(i).name.resize(7); }},
    {"TcpNameOfAnotherFamily", [](ImageT& i) { tcp_socket(i).name[0] = 10; }},
    {"TcpUnsentMoreThanThereIs", [](ImageT& i) { tcp_socket(i).unsent = 4; }},
    {"TcpUrgentByteOfNone", [](ImageT& i) { tcp_socket(i).urgent_at = 2; }},
    {"TcpUrgentByteNowhere", [](ImageT& i) { tcp_socket(i).waiting[0]->urgent_at = -2; }},
    {"TcpConnectionWithoutPeer", [](ImageT& i) { tcp_socket(i).peer_name.clear(); }},
    {"TcpConnectionWithoutWindow", [](ImageT& i) { tcp_socket(i).connection->window.reset(); }},
    {"TcpWaitingWithoutConnection",
     [](ImageT& i) { tcp_socket(i).waiting[0]->connection.reset(); }},
    {"TcpWaitingWithOthersWaiting",
     [](ImageT& i) {
       tcp_socket(i).waiting[0]->waiting.push_back(std::make_unique<TcpSocketT>());
     }},
    {"TcpWaitingOfAnotherFamily", [](ImageT& i) { tcp_socket(i).waiting[0]->domain = 10; }},
    {"TcpWaitingThatListens", [](ImageT& i) { tcp_socket(i).waiting[0]->state = 10; }},
    {"UnownedTcpThatIsNone", [](ImageT& i) { i.unowned_tcp[0]->socket.reset(); }},
    {"UnownedTcpOfNoNetwork", [](ImageT& i) { i.unowned_tcp[0]->network = 0; }},
    {"UnownedTcpThatListens", [](ImageT& i) { i.unowned_tcp[0]->socket->state = 10; }},
    {"UnownedTcpWithoutConnection",
     [](ImageT& i) { i.unowned_tcp[0]->socket->connection.reset(); }},
    {"UnownedTcpNameCutShort", [](ImageT& i) { i.unowned_tcp[0]->socket->name.resize(7); }},
    {"EndedTcpOfNoNetwork", [](ImageT& i) { i.ended_tcp = {ended_tcp(0, AF_INET, 6, 80)}; }},
    {"EndedTcpThatIsOpen", [](ImageT& i) { i.ended_tcp = {ended_tcp(-1, AF_INET, 1, 80)}; }},
    {"EndedTcpFamily", [](ImageT& i) { i.ended_tcp = {ended_tcp(-1, AF_UNIX, 6, 80)}; }},
    {"EndedTcpWithoutPort", [](ImageT& i) { i.ended_tcp = {ended_tcp(-1, AF_INET, 6, 0)}; }},
    {"UdpFamily", [](ImageT& i) { udp_socket(i).domain = 1; }},
    {"DatagramFromNowhere", [](ImageT& i) { udp_socket(i).datagrams[0]->from = {1}; }},
    {"BegunDatagramToNobody", [](ImageT& i) { udp_socket(i).begun->to.clear(); }},
    {"BegunDatagramOfAnotherFamily", [](ImageT& i) { udp_socket(i).begun->to[0] = 10; }},
    {"PlainSocketNameTooLong",
     [](ImageT& i) { find_kind(i, FileKind::PlainSocket).AsPlainSocket()->name.resize(129); }},
    {"TerminalOutside",
     [](ImageT& i) { find_kind(i, FileKind::Terminal).AsTerminal()->terminal = 5; }},
    {"MasterOutside",
     [](ImageT& i) { find_kind(i, FileKind::TerminalMaster).AsTerminalMaster()->terminal = -1; }},
    {"TerminalNumber", [](ImageT& i) { i.terminals[0]->index = -1; }},
};

INSTANTIATE_TEST_SUITE_P(Image, VerifyReferences, testing::ValuesIn(kImageCases), name_of_case);
INSTANTIATE_TEST_SUITE_P(Files, VerifyReferences, testing::ValuesIn(kFileCases), name_of_case);
INSTANTIATE_TEST_SUITE_P(Sockets, VerifyReferences, testing::ValuesIn(kSocketCases), name_of_case);
INSTANTIATE_TEST_SUITE_P(Processes, VerifyReferences, testing::ValuesIn(kProcessCases),
                         name_of_case);

}  // namespace
}  // namespace appshot::image
