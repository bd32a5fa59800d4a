#include "templates/open_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "rules/resolve.h"
#include "templates/files.h"
#include "templates/locks.h"
#include "templates/sockets.h"

namespace appshot::templates {
namespace {

using image::FileKind;
using rules::Access;
using rules::ResourceType;

// null, zero, full, random, urandom; and the terminal of whoever opens it.
const dev_t kStateless[] = {makedev(1, 3), makedev(1, 5), makedev(1, 7),
                            makedev(1, 8), makedev(1, 9), makedev(5, 0)};

uint8_t accesses_of(const image::OpenFileT& file) {
  if ((file.flags & O_PATH) != 0) return static_cast<uint8_t>(Access::read);
  switch (file.flags & O_ACCMODE) {
    case O_RDONLY:
      return static_cast<uint8_t>(Access::read);
    case O_WRONLY:
      return static_cast<uint8_t>(Access::write);
    default:
      return Access::read | Access::write;
  }
}

// An open file, of which the kind has still to say what it is.
class OpenFile {
 public:
  OpenFile(Context& context, const image::OpenFileT& file, const Holder& holder)
      : context_(context), file_(file) {
    Record& record = subject_.record;
    record.type = plain_words(EnumNameFileKind(file.kind.type));
    record.process = holder.process;
    record.descriptor = holder.descriptor;
    record.detail = "offset " + std::to_string(file.offset);
    if (holder.process < 0) record.detail += ", no process has it open";
    subject_.accesses = accesses_of(file);
    subject_.told = !context.told.insert(&file).second;
  }

  // Without a default, so that the compiler tells of a kind that has none.
  void add() {
    switch (file_.kind.type) {
      case FileKind::NONE:
        break;  // no verified image has such a file
      case FileKind::RegularFile:
        return regular(*file_.kind.AsRegularFile());
      case FileKind::DeviceFile:
        return device(*file_.kind.AsDeviceFile());
      case FileKind::NamedPipe:
        return named_pipe(*file_.kind.AsNamedPipe());
      case FileKind::Pipe:
        return pipe(*file_.kind.AsPipe());
      case FileKind::Eventfd:
      case FileKind::Signalfd:
      case FileKind::Timerfd:
      case FileKind::Epoll:
      case FileKind::Pidfd:
        return own_object();
      case FileKind::Inotify:
        return inotify(*file_.kind.AsInotify());
      case FileKind::Memfd:
        return memfd(*file_.kind.AsMemfd());
      case FileKind::MessageQueueFile:
        return message_queue(*file_.kind.AsMessageQueueFile());
      case FileKind::Terminal:
        return terminal(*file_.kind.AsTerminal());
      case FileKind::TerminalMaster:
        return terminal_master(*file_.kind.AsTerminalMaster());
      case FileKind::Stream:
        return stream(*file_.kind.AsStream());
      case FileKind::UnixSocket:
      case FileKind::TcpSocket:
      case FileKind::UdpSocket:
      case FileKind::PlainSocket:
        return add_socket(context_, file_, std::move(subject_));
      case FileKind::ProcessFile:
        return process_file(*file_.kind.AsProcessFile());
      case FileKind::NamespaceFile:
        return namespace_file(*file_.kind.AsNamespaceFile());
    }
  }

 private:
  void be(Class cls, std::string_view by) {
    subject_.record.cls = cls;
    subject_.record.by = by;
  }
  void rules_speak(ResourceType type, const Handling& handling) {
    subject_.type = type;
    subject_.handling = &handling;
  }
  void add_subject() { context_.verdicts.add(std::move(subject_)); }

  void own_object() {
    be(Class::duplicate, kOwnObject);
    add_subject();
  }

  void regular(const image::RegularFileT& regular) {
    subject_ = of_named_file(context_, std::move(subject_), *regular.name);
    add_subject();
  }

  void device(const image::DeviceFileT& device) {
    Record& record = subject_.record;
    record.name = device.name->path;
    subject_.paths = {record.name};
    if (std::ranges::count(kStateless, static_cast<dev_t>(device.rdev)) != 0) {
      be(Class::share, kNoState);
      rules_speak(ResourceType::device, kStatelessDevice);
      return add_subject();
    }
    be(Class::share, "a device: no template");
    record.detail =
        "device " + std::to_string(major(device.rdev)) + ":" + std::to_string(minor(device.rdev));
    if (!subject_.told)
      context_.verdicts.refuse(words_for(record) + " is a device (" + record.detail.substr(7) +
                                   "), which can be neither shared nor duplicated",
                               std::string(kDevice.instead));
    context_.verdicts.add(std::move(record));
  }

  const image::PipeBufferT& buffer(int index) const {
    return *context_.image.pipes[static_cast<size_t>(index)];
  }

  void pipe(const image::PipeT& pipe) {
    subject_.record.name = "pipe " + std::to_string(pipe.pipe);
    subject_.record.size = buffer(pipe.pipe).data.size();
    be(Class::duplicate, kOwnObject);
    rules_speak(ResourceType::pipe, kPipe);
    add_subject();
  }

  void named_pipe(const image::NamedPipeT& pipe) {
    Record& record = subject_.record;
    record.name = pipe.name->path;
    record.size = buffer(pipe.pipe).data.size();
    subject_.paths = {record.name};
    const Where where = context_.places.of(record.name, pipe.name->space);
    if (where.place != Place::host || pipe.name->ghost >= 0) {
      be(Class::duplicate, kOwnObject);
      rules_speak(ResourceType::pipe, kNamedPipe);
      return add_subject();
    }
    set_class(subject_, where);
    subject_.type = ResourceType::pipe;
    if (record.size != 0 && !subject_.told)
      context_.verdicts.refuse(words_for(record) + " is the host's (" + where.rule +
                                   ") and holds " + count_of(record.size, "byte") +
                                   ", which each clone would put there again",
                               "let its reader read, or take its path out of what is shared");
    add_subject();
  }

  void inotify(const image::InotifyT& inotify) {
    subject_.record.detail += ", " + std::to_string(inotify.watches.size()) + " watched";
    for (const auto& watch : inotify.watches) refuse_if_led_from(*watch->name);
    own_object();
  }

  // The kernel tells of a watch which folder it is on, not by which path it was asked for: of one
  // that a rule led to, that is the place of this instance.
  void refuse_if_led_from(const image::FileNameT& name) {
    const auto asked = rules::public_name(context_.launch.here, name.path);
    if (!asked || *asked == name.path || subject_.told) return;
    const Where where = context_.places.of(*asked, name.space);
    if (where.place != Place::elsewhere) return;
    context_.verdicts.refuse(words_for(subject_.record) + " watches " + name.path +
                                 ", to which the rule " + where.rule + " leads " + *asked +
                                 ", and for each clone elsewhere",
                             "let the rule lead to the same place in each clone (<APPL-ID> in "
                             "place of <INSTANCE>)");
  }

  void memfd(const image::MemfdT& memfd) {
    const auto& object = *context_.image.shared_memory[static_cast<size_t>(memfd.object)];
    subject_.record.name = object.name;
    be(Class::duplicate, kOwnObject);
    rules_speak(ResourceType::shm, kNamelessIpc);
    add_subject();
  }

  void message_queue(const image::MessageQueueFileT& queue) {
    subject_.record.name = queue.name;
    subject_.paths = {queue.name, "/dev/mqueue" + queue.name};
    // One that the image does not hold is not verified; with --share ipc it is the host's.
    const auto& queues = context_.image.message_queues;
    const auto index = static_cast<size_t>(queue.queue);
    const bool of_host =
        context_.launch.share.ipc && (index >= queues.size() || queues[index]->space < 0);
    be(of_host ? Class::share : Class::duplicate, of_host ? kOfHost : kOwnObject);
    rules_speak(ResourceType::msg, of_host ? kHostIpc : kNamedIpc);
    add_subject();
  }

  void be_terminal(int terminal) {
    const bool outside =
        terminal < 0 || context_.image.terminals[static_cast<size_t>(terminal)]->of_instance;
    be(outside ? Class::multiplex : Class::duplicate, outside ? kHarness : kOwnObject);
    rules_speak(ResourceType::terminal, outside ? kHarnessEnd : kOwnTerminal);
  }

  void terminal(const image::TerminalT& terminal) {
    subject_.record.name = terminal.name;
    subject_.paths = {terminal.name};
    if (terminal.terminal >= 0) {
      be_terminal(terminal.terminal);
    } else {  // /dev/tty: whichever is the process's own
      be(Class::share, kNoState);
      rules_speak(ResourceType::device, kStatelessDevice);
    }
    add_subject();
  }

  void terminal_master(const image::TerminalMasterT& master) {
    const auto& state = *context_.image.terminals[static_cast<size_t>(master.terminal)];
    subject_.record.name = "/dev/pts/" + std::to_string(state.index);
    subject_.paths = {"/dev/ptmx", subject_.record.name};
    be(Class::duplicate, kOwnObject);
    rules_speak(ResourceType::terminal, kOwnTerminal);
    add_subject();
  }

  void stream(const image::StreamT& stream) {
    subject_.record.name = stream.name;
    be(Class::multiplex, kHarness);
    rules_speak(ResourceType::terminal, kHarnessEnd);
    add_subject();
  }

  void process_file(const image::ProcessFileT& about) {
    subject_.record.name = "/proc/" + about.path;
    subject_.paths = {subject_.record.name};
    set_class(subject_, {Place::kernel});
    subject_.type = ResourceType::file;
    add_subject();
  }

  bool is_shared_with_host(const image::NamespaceFileT& space) const {
    const Share& share = context_.launch.share;
    if (space.index >= 0) return false;
    const std::string& kind = space.kind;
    return (kind == "net" && share.net) || (kind == "ipc" && share.ipc) ||
           (kind == "uts" && share.uts) || (kind == "time" && share.time) ||
           (kind == "user" && context_.launch.first_user == 0);
  }

  void namespace_file(const image::NamespaceFileT& space) {
    subject_.record.name = space.kind;
    if (is_shared_with_host(space))
      be(Class::share, kOfHost);
    else
      be(Class::virtualise, kNamed);
    add_subject();
  }

  Context& context_;
  const image::OpenFileT& file_;
  Subject subject_;
};

}  // namespace

std::string plain_words(const char* camel) {
  std::string words;
  for (const char* c = camel; *c != '\0'; ++c) {
    const bool upper = *c >= 'A' && *c <= 'Z';
    if (upper && !words.empty()) words.push_back(' ');
    words.push_back(upper ? static_cast<char>(*c - 'A' + 'a') : *c);
  }
  return words;
}

void add_open_file(Context& context, const image::OpenFileT& file, const Holder& holder) {
  const bool is_new = !context.told.contains(&file);
  OpenFile(context, file, holder).add();
  if (is_new) add_locks(context, file, holder);
}

void add_unheld_files(Context& context) {
  for (const auto& file : context.image.open_files)
    if (!context.told.contains(file.get())) add_open_file(context, *file, {});
}

}  // namespace appshot::templates
