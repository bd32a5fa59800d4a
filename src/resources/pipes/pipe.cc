#include "resources/pipes/pipe.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <map>

#include "os/file.h"
#include "resources/file_names.h"
#include "resources/pipe_access.h"

namespace appshot::pipes {
namespace {

std::string descriptor_path(const DescriptorRef& ref) {
  return "/proc/" + std::to_string(ref.process.host.value) + "/fd/" +
         std::to_string(ref.descriptor.fd);
}

bool is_stream(const InstanceView& instance, const struct stat& info) {
  for (const StreamIdentity& stream : instance.streams)
    if (stream.device == info.st_dev && stream.inode == info.st_ino) return true;
  return false;
}

struct Ends {
  UniqueFd read, write;
};

Result<Ends> make_pipe(int flags) {
  int ends[2];
  TRY_SYS(::pipe2(ends, flags | O_CLOEXEC));
  return Ends{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<int> bytes_in(int fd) {
  int bytes = 0;
  TRY_SYS(::ioctl(fd, FIONREAD, &bytes));
  return bytes;
}

// Reading gives one packet at a time when the pipe holds packets, else everything.
Result<> read_chunks(int from, image::PipeBufferT& into) {
  for (;;) {
    int left = TRY(bytes_in(from));
    if (left == 0) return {};
    std::vector<uint8_t> chunk(static_cast<size_t>(left));
    ssize_t got = TRY_SYS(::read(from, chunk.data(), chunk.size()));
    if (got == 0) return {};
    bool packet = got < left;
    bool last_of_packets = !into.chunks.empty() && into.chunks.back().packet();
    into.chunks.emplace_back(static_cast<uint32_t>(got), packet || last_of_packets);
    into.data.insert(into.data.end(), chunk.begin(), chunk.begin() + got);
  }
}

Result<std::unique_ptr<image::PipeBufferT>> read_content(const DescriptorRef& ref) {
  auto buffer = std::make_unique<image::PipeBufferT>();
  // A read end of our own; the open works at any end, and nothing of the pipe changes by it while
  // its users are frozen.
  UniqueFd source = TRY(open_file(descriptor_path(ref), O_RDONLY | O_NONBLOCK));
  int capacity = TRY_SYS(::fcntl(source.get(), F_GETPIPE_SZ));
  buffer->capacity = static_cast<uint32_t>(capacity);
  if (TRY(bytes_in(source.get())) == 0) return buffer;
  Ends copy = TRY(make_pipe(O_NONBLOCK));
  TRY_SYS(::fcntl(copy.write.get(), F_SETPIPE_SZ, capacity));
  TRY_SYS(::tee(source.get(), copy.write.get(), static_cast<size_t>(capacity), SPLICE_F_NONBLOCK));
  TRY(read_chunks(copy.read.get(), *buffer));
  return buffer;
}

Result<int> capture_buffer(CaptureContext& context, const DescriptorRef& ref) {
  CaptureContext::Identity identity{ref.descriptor.info.st_dev, ref.descriptor.info.st_ino};
  if (auto known = context.pipes.find(identity); known != context.pipes.end()) return known->second;
  auto buffer = TRY(read_content(ref));
  note_access(ref.descriptor.info, *buffer);
  int index = static_cast<int>(context.image.pipes.size());
  context.image.pipes.push_back(std::move(buffer));
  context.pipes.emplace(identity, index);
  return index;
}

Result<> fill(int write_end, const image::PipeBufferT& buffer) {
  // More than the default needs no privilege up to the system's limit; beyond, what can be had.
  if (::fcntl(write_end, F_SETPIPE_SZ, buffer.capacity) < 0 && errno != EPERM)
    return Error::from_errno(errno, "fcntl(F_SETPIPE_SZ)");
  size_t at = 0;
  for (const image::PipeChunk& chunk : buffer.chunks) {
    TRY_SYS(::fcntl(write_end, F_SETFL, O_NONBLOCK | (chunk.packet() ? O_DIRECT : 0)));
    ssize_t put = TRY_SYS(::write(write_end, buffer.data.data() + at, chunk.length()));
    if (put != static_cast<ssize_t>(chunk.length()))
      return Error(ErrorClass::exhausted, "a pipe does not take back what was in it");
    at += chunk.length();
  }
  return {};
}

Result<> set_flags(const UniqueFd& fd, uint32_t flags) {
  TRY_SYS(::fcntl(fd.get(), F_SETFL, flags & (O_NONBLOCK | O_DIRECT | O_APPEND | O_NOATIME)));
  return {};
}

Result<UniqueFd> open_end(const std::string& path, const image::OpenFileT& file) {
  int access = static_cast<int>(file.flags & O_ACCMODE);
  UniqueFd fd = TRY(open_file(path, access | O_NONBLOCK));
  TRY(set_flags(fd, file.flags));
  return fd;
}

bool is_other_end_closed(int end, bool reader) {
  pollfd state{end, static_cast<short>(reader ? POLLIN : POLLOUT), 0};
  ::poll(&state, 1, 0);
  return (state.revents & (reader ? POLLHUP : POLLERR)) != 0;
}

}  // namespace

bool Pipe::recognises(const DescriptorRef& ref) const {
  return ref.descriptor.link.starts_with("pipe:[") && !is_stream(ref.instance, ref.descriptor.info);
}

Result<image::FileKindUnion> Pipe::capture(CaptureContext& context,
                                           const DescriptorRef& ref) const {
  image::PipeT pipe;
  pipe.pipe = TRY(capture_buffer(context, ref));
  image::FileKindUnion kind;
  kind.Set(pipe);
  return kind;
}

Result<UniqueFd> Pipe::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  auto index = static_cast<size_t>(file.kind.AsPipe()->pipe);
  PipeEnds& ends = context.pipes[index];
  if (!ends.held) {
    Ends made = TRY(make_pipe(0));
    TRY(give_access(made.read.get(), *context.image.pipes[index]));
    TRY(fill(made.write.get(), *context.image.pipes[index]));
    ends.held =
        TRY(open_file("/proc/self/fd/" + std::to_string(made.read.get()), O_RDWR | O_NONBLOCK));
    ends.read = std::move(made.read);
    ends.write = std::move(made.write);
  }
  int access = static_cast<int>(file.flags & O_ACCMODE);
  UniqueFd& unused = access == O_RDONLY ? ends.read : ends.write;
  if (access == O_RDWR || !unused)
    return open_end("/proc/self/fd/" + std::to_string(ends.held.get()), file);
  TRY(set_flags(unused, file.flags));
  return std::move(unused);
}

bool NamedPipe::recognises(const DescriptorRef& ref) const {
  return S_ISFIFO(ref.descriptor.info.st_mode) && ref.descriptor.link.starts_with('/') &&
         (ref.descriptor.flags() & O_PATH) == 0;
}

Result<image::FileKindUnion> NamedPipe::capture(CaptureContext& context,
                                                const DescriptorRef& ref) const {
  image::NamedPipeT pipe;
  pipe.pipe = TRY(capture_buffer(context, ref));
  pipe.name =
      TRY(capture_name(context, ref.descriptor.link, ref.descriptor.info, ref.descriptor.mount(),
                       [&] { return Result<UniqueFd>(UniqueFd()); }));
  image::FileKindUnion kind;
  kind.Set(std::move(pipe));
  return kind;
}

Result<UniqueFd> NamedPipe::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  const image::NamedPipeT& pipe = *file.kind.AsNamedPipe();
  auto index = static_cast<size_t>(pipe.pipe);
  PipeEnds& ends = context.pipes[index];
  if (!ends.held) {
    std::string path = context.path_of(*pipe.name);
    if (pipe.name->ghost >= 0) {
      path += ".appshot-lost";
      TRY_SYS(::mkfifo(path.c_str(), pipe.name->mode & 07777));
    }
    ends.held = TRY(open_file(path, O_RDWR | O_NONBLOCK));
    if (pipe.name->ghost >= 0) {
      TRY_SYS(::unlink(path.c_str()));
      TRY(give_access(ends.held.get(), *context.image.pipes[index]));
    }
    TRY(fill(ends.held.get(), *context.image.pipes[index]));
  }
  return open_end("/proc/self/fd/" + std::to_string(ends.held.get()), file);
}

void find_outside_ends(const InstanceView& instance, const std::vector<ProcessSource>& processes,
                       Obstacles& obstacles) {
  struct Known {
    bool reader = false, writer = false;
    const ProcessSource* process = nullptr;
    const DescriptorSource* descriptor = nullptr;
  };
  std::map<ino_t, Known> pipes;
  for (const ProcessSource& process : processes) {
    for (const DescriptorSource& descriptor : process.descriptors) {
      if (!descriptor.link.starts_with("pipe:[") || is_stream(instance, descriptor.info)) continue;
      Known& known = pipes[descriptor.info.st_ino];
      int access = static_cast<int>(descriptor.flags() & O_ACCMODE);
      known.reader |= access != O_WRONLY;
      known.writer |= access != O_RDONLY;
      known.process = &process;
      known.descriptor = &descriptor;
    }
  }
  for (const auto& [inode, known] : pipes) {
    if (known.reader && known.writer) continue;
    Result<UniqueFd> copy = known.process->pidfd.take_copy(known.descriptor->fd);
    if (!copy) continue;  // closed since; the capture itself will look again
    if (is_other_end_closed(copy->get(), known.reader)) continue;
    obstacles.add(known.process->words() + " has descriptor " +
                      std::to_string(known.descriptor->fd) +
                      " on a pipe whose other end is held outside of the application",
                  "close it, or start both ends in one application");
  }
}

Result<> find_lost_ends(const image::ImageT& image, const CopyOfFile& copy_of,
                        Obstacles& obstacles) {
  struct Known {
    int reader = -1, writer = -1;  // Image.open_files
  };
  std::map<int, Known> pipes;
  for (size_t i = 0; i < image.open_files.size(); ++i) {
    const image::OpenFileT& file = *image.open_files[i];
    if (file.kind.type != image::FileKind::Pipe) continue;
    Known& known = pipes[file.kind.AsPipe()->pipe];
    const int access = static_cast<int>(file.flags & O_ACCMODE);
    if (access != O_WRONLY) known.reader = static_cast<int>(i);
    if (access != O_RDONLY) known.writer = static_cast<int>(i);
  }
  for (const auto& [index, known] : pipes) {
    if (known.reader >= 0 && known.writer >= 0) continue;
    const bool reader = known.reader >= 0;
    UniqueFd copy = TRY(copy_of(reader ? known.reader : known.writer));
    if (!is_other_end_closed(copy.get(), reader))
      obstacles.add("the other end of a pipe is held outside of the application",
                    "close it, or start both ends in one application");
  }
  return {};
}

}  // namespace appshot::pipes
