#include "templates/processes.h"

#include "templates/files.h"
#include "templates/locks.h"
#include "templates/memory.h"
#include "templates/open_files.h"

namespace appshot::templates {
namespace {

using image::ProcessT;
using rules::Access;

constexpr const char* kIntervalTimers[] = {"ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF"};

// With it goes what is nobody else's: signals, limits, credentials, filters, scheduling.
void add_itself(Context& context, const ProcessT& process) {
  context.verdicts.add(Record{.type = "process",
                              .name = process.name,
                              .process = process.pid,
                              .cls = Class::virtualise,
                              .by = std::string(kNamed),
                              .detail = "parent " + std::to_string(process.parent) + ", group " +
                                        std::to_string(process.group) + ", session " +
                                        std::to_string(process.session) + ", " +
                                        std::to_string(process.threads.size()) + " threads, " +
                                        EnumNameProcessState(process.state)});
  for (size_t i = 1; i < process.threads.size(); ++i)
    context.verdicts.add(Record{.type = "thread",
                                .name = process.threads[i]->name,
                                .process = process.pid,
                                .cls = Class::virtualise,
                                .by = std::string(kNamed),
                                .detail = "id " + std::to_string(process.threads[i]->tid)});
}

void add_folder(Context& context, const char* type, int process, const image::FileNameT* name) {
  if (name == nullptr || name->path.empty()) return;
  Subject subject{.record = {.type = type, .process = process},
                  .accesses = static_cast<uint8_t>(Access::read)};
  subject = of_named_file(context, std::move(subject), *name);
  context.verdicts.add(std::move(subject));
}

// What runs cannot be written to (ETXTBSY).
void add_program(Context& context, int process, const image::FileNameT* name) {
  if (name == nullptr || name->path.empty()) return;
  Subject subject = of_named_file(context,
                                  {.record = {.type = "program", .process = process},
                                   .accesses = static_cast<uint8_t>(Access::read)},
                                  *name);
  refuse_unless_same_elsewhere(context, subject, *name);
  if (subject.record.cls == Class::cow) {
    subject.record.cls = Class::share;
    subject.record.by = kCannotBeModified;
    subject.handling = &kProgram;
  }
  context.verdicts.add(std::move(subject));
}

void add_files(Context& context, const ProcessT& process) {
  if (process.address_space) add_program(context, process.pid, process.address_space->exe.get());
  add_folder(context, "working folder", process.pid, process.cwd.get());
  add_folder(context, "root folder", process.pid, process.root.get());
  for (const auto& thread : process.threads) {
    if (!thread->folders) continue;
    add_folder(context, "working folder", process.pid, thread->folders->cwd.get());
    add_folder(context, "root folder", process.pid, thread->folders->root.get());
  }
}

void add_descriptors(Context& context, const ProcessT& process) {
  for (const auto& descriptor : process.descriptors) {
    const Holder holder{process.pid, descriptor->fd};
    // Verified with the manifest: the index is inside.
    add_open_file(context, *context.image.open_files[static_cast<size_t>(descriptor->file)],
                  holder);
    add_locks(context, *descriptor, holder);
  }
}

bool is_set(const image::IntervalTimer& timer) {
  return timer.value().sec() != 0 || timer.value().nsec() != 0;
}

void add_timers(Context& context, const ProcessT& process) {
  auto add = [&](const char* type, std::string name) {
    context.verdicts.add(Record{.type = type,
                                .name = std::move(name),
                                .process = process.pid,
                                .cls = Class::duplicate,
                                .by = std::string(kOwnObject)});
  };
  for (size_t i = 0; i < process.interval_timers.size() && i < std::size(kIntervalTimers); ++i)
    if (is_set(process.interval_timers[i])) add("interval timer", kIntervalTimers[i]);
  for (const auto& timer : process.posix_timers) add("posix timer", std::to_string(timer->id));
}

}  // namespace

void add_processes(Context& context) {
  for (const auto& process : context.image.processes) {
    add_itself(context, *process);
    add_files(context, *process);
    add_memory(context, *process);
    add_descriptors(context, *process);
    add_timers(context, *process);
  }
}

}  // namespace appshot::templates
