// A harness without an engine: speaks docs/harness-protocol.md as scripted by the program's name,
// so that the daemon and the command line can be tested alone.
//
//   echo WORDS      writes them and ends        exit N     ends with status N (at its start)
//   cat             gives its input back        crash      ends by SIGKILL
//   sleep           runs until it is ended      stubborn   the same, and ignores SIGTERM
//   missing, forbidden      cannot be started: no such program, not permitted
//   obstacle, obstacles     cannot be captured, for one reason, for two
//   vanish          the harness ends in the middle of a snapshot, its init lives on
//   vanish-late     the same, when the snapshot is complete
//   gated           waits in a snapshot until state_dir/gate, a FIFO, is opened for writing
//   foreign         can be captured, but its image suits no machine
//
// Its init is a process that does nothing; state_dir/fake.json lets a successor adopt it.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <list>

#include "image/format.h"
#include "image/manifest.h"
#include "os/file.h"
#include "protocol/channel.h"
#include "protocol/error_json.h"
#include "protocol/frames.h"
#include "protocol/harness_begin.h"
#include "protocol/listener.h"
#include "protocol/messages.h"

namespace appshot {
namespace {

constexpr std::chrono::milliseconds kNow{0};

struct Stream {
  UniqueFd socket;
  FrameDecoder decoder;
  bool exec = false;
};

class FakeHarness {
 public:
  FakeHarness(HarnessConfig config, Channel control) : config_(std::move(config)) {
    channels_.push_back(std::move(control));
  }

  int run() {
    Result<> stands = stand_up();
    if (!stands) {
      (void)channels_.front().send(
          make_event("failed", {{"error", error_to_json(stands.error())}}));
      return 1;
    }
    for (Channel& channel : channels_) {
      if (config_.mode == "restore")
        (void)channel.send(make_event(
            "progress",
            {{"progress", {{"phase", "memory"}, {"done", 1 << 20}, {"total", 2 << 20}}}}));
      (void)channel.send(make_event("ready", {{"init_pid", init_}, {"root_pid", init_}}));
      if (config_.mode == "restore") (void)channel.send(make_event("memory_is_in"));
    }
    if (!held_) begin();
    while (!over_) wait_once();
    return 0;
  }

 private:
  const std::string& program() const { return config_.argv.front(); }

  Result<> stand_up() {
    if (config_.mode == "adopt") {
      Json left = TRY(parse_json(TRY(read_file(config_.state_dir + "/fake.json"))));
      config_.argv = strings_at(left, "argv");
      init_ = static_cast<pid_t>(int_at(left, "init"));
      started_ = true;
    } else if (config_.mode == "restore") {
      config_.argv = TRY(image::read_manifest(config_.image)).argv;
      if (program() == "foreign") return Error(ErrorClass::mismatch, "cpu lacks avx512");
      started_ = true;
    } else if (program() == "missing") {
      return Error(ErrorClass::not_found, "missing: no such program").with_errno(ENOENT);
    } else if (program() == "forbidden") {
      return Error(ErrorClass::denied, "forbidden: not executable").with_errno(EACCES);
    }
    held_ = config_.mode == "launch" && config_.hold_start;
    if (init_ == 0) init_ = fork_init();
    Json left{{"argv", config_.argv}, {"init", init_}};
    TRY(write_file(config_.state_dir + "/fake.json", json_text(left), O_CREAT | O_TRUNC));
    listener_.emplace(TRY(Listener::at(config_.run_dir + "/harness.sock")));
    return {};
  }

  pid_t fork_init() {
    pid_t pid = ::fork();
    if (pid != 0) return pid;
    for (int fd = 3; fd < 64; ++fd) ::close(fd);
    for (;;) ::pause();
  }

  // The program starts: what it does by itself.
  void begin() {
    held_ = false;
    if (started_) return;
    started_ = true;
    if (program() == "echo") {
      std::string line;
      for (size_t i = 1; i < config_.argv.size(); ++i) line += (i > 1 ? " " : "") + config_.argv[i];
      output(line + "\n");
      end(0, "exit");
    } else if (program() == "exit") {
      end(std::atoi(config_.argv.at(1).c_str()) << 8, "exit");
    } else if (program() == "crash") {
      end(SIGKILL, "signal");
    }
  }

  void output(const std::string& text) {
    Json line{{"t", 1}, {"s", config_.tty ? "tty" : "stdout"}, {"d", text}};
    (void)write_file(config_.state_dir + "/log", json_text(line) + "\n", O_CREAT | O_APPEND);
    for (Stream& stream : streams_)
      if (!stream.exec) put(stream, encode_frame(FrameType::stdout_bytes, text));
  }

  static void put(const Stream& stream, const std::string& bytes) {
    (void)!::send(stream.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  void end(int status, const char* reason) {
    for (Stream& stream : streams_) {
      bool by_snapshot = reason == std::string("snapshot");
      put(stream, by_snapshot ? encode_frame(FrameType::detach, "stopped") : encode_exit(status));
    }
    Json event = make_event("exited", {{"status", status}, {"reason", reason}});
    if (reason != std::string("snapshot"))
      (void)write_file(config_.state_dir + "/exit.json", json_text(event), O_CREAT | O_TRUNC);
    ::kill(init_, SIGKILL);
    ::waitpid(init_, nullptr, 0);
    for (Channel& channel : channels_) (void)channel.send(event);
    over_ = true;
  }

  void wait_once() {
    std::vector<pollfd> entries{{listener_->fd(), POLLIN, 0}};
    for (Channel& channel : channels_) entries.push_back({channel.fd(), POLLIN, 0});
    for (Stream& stream : streams_) entries.push_back({stream.socket.get(), POLLIN, 0});
    ::poll(entries.data(), entries.size(), -1);
    if (entries[0].revents != 0)
      if (auto channel = listener_->accept()) channels_.push_back(std::move(channel).value());
    for (size_t i = 1; i < entries.size() && !over_; ++i)
      if (entries[i].revents != 0) serve(entries[i].fd);
  }

  void serve(int fd) {
    for (auto it = channels_.begin(); it != channels_.end(); ++it) {
      if (it->fd() != fd) continue;
      auto packet = it->receive(Deadline::in(kNow));
      if (packet && packet->has_value()) return answer(*it, **packet);
      channels_.erase(it);
      return;
    }
    for (auto it = streams_.begin(); it != streams_.end(); ++it) {
      if (it->socket.get() != fd) continue;
      char bytes[4096];
      ssize_t got = ::read(fd, bytes, sizeof(bytes));
      if (got > 0) it->decoder.feed({bytes, static_cast<size_t>(got)});
      if (got <= 0 || !take_frames(*it)) streams_.erase(it);
      return;
    }
  }

  // False: the client lets go.
  bool take_frames(Stream& stream) {
    while (!over_) {
      auto frame = stream.decoder.next();
      if (!frame || !frame->has_value()) return static_cast<bool>(frame);
      if ((*frame)->type == FrameType::detach) return false;
      if ((*frame)->type == FrameType::window) {
        WindowSize size = decode_window((*frame)->payload).value_or({});
        output("window " + std::to_string(size.rows) + "x" + std::to_string(size.cols) + "\n");
      }
      if ((*frame)->type != FrameType::stdin_bytes || program() != "cat") continue;
      if ((*frame)->payload.empty()) {
        end(0, "exit");
      } else {
        output((*frame)->payload);
      }
    }
    return true;
  }

  void answer(Channel& channel, Packet& packet) {
    int64_t id = int_at(packet.document, "id");
    std::string op = string_at(packet.document, "op");
    Result<Json> result = perform(channel, op, packet);
    if (!result) return (void)channel.send(make_refusal(id, result.error()));
    (void)channel.send(make_answer(id, *result));
    if (op == "attach" || op == "start") begin();
    if (op == "snapshot" && bool_at(packet.document, "stop")) end(0, "snapshot");
    if (pending_signal_ != 0) end(pending_signal_, "signal");
  }

  Result<Json> perform(Channel& channel, const std::string& op, Packet& packet) {
    const Json& request = packet.document;
    if (op == "status")
      return Json{{"state", held_ ? "held" : "running"},
                  {"init_pid", init_},
                  {"root_pid", init_},
                  {"processes", 1},
                  {"memory", 1 << 20},
                  {"attached", streams_.size()},
                  {"tty", config_.tty},
                  {"exec", 0}};
    if (op == "attach") {
      streams_.push_back({std::move(packet.fds.at(0)), {}, false});
      if (config_.tty) put(streams_.back(), encode_frame(FrameType::stdout_bytes, "attached\n"));
      return Json::object();
    }
    if (op == "exec") return exec(request, std::move(packet.fds.at(0)));
    if (op == "kill") return kill(static_cast<int>(int_at(request, "signal")));
    if (op == "terminate") {
      pending_signal_ = program() == "stubborn" ? SIGKILL : SIGTERM;
      return Json::object();
    }
    if (op == "snapshot") return snapshot(channel, request);
    if (op == "check") return Json{{"obstacles", obstacles()}, {"warnings", Json::array()}};
    if (op == "rids")
      return Json{{"rids",
                   {{{"type", "pid"},
                     {"virtual", "2"},
                     {"system", std::to_string(init_)},
                     {"name", program()}}}}};
    if (op == "resources")
      return Json{{"records", {{{"type", "file"}, {"name", "/dev/null"}, {"process", 2}}}}};
    if (op == "start") return Json::object();
    return Error(ErrorClass::unsupported, "the fake knows no " + op);
  }

  Json obstacles() const {
    std::vector<Obstacle> list;
    if (program().starts_with("obstacle"))
      list.push_back({"process 12 (nginx) has descriptor 7 open on /dev/kvm", "close it"});
    if (program() == "obstacles") list.push_back({"process 13 (x) has an mseal", ""});
    return obstacles_to_json(list);
  }

  Result<Json> exec(const Json& request, UniqueFd socket) {
    std::vector<std::string> argv = strings_at(request, "argv");
    if (argv.front() == "missing")
      return Error(ErrorClass::not_found, "missing: not found").with_errno(ENOENT);
    if (argv.front() == "forbidden")
      return Error(ErrorClass::denied, "forbidden: denied").with_errno(EACCES);
    Stream stream{std::move(socket), {}, true};
    std::string words;
    for (const std::string& word : argv) words += word + ";";
    put(stream, encode_frame(FrameType::stdout_bytes, words + "\n"));
    put(stream, encode_frame(FrameType::stderr_bytes, "warned\n"));
    put(stream, encode_exit(argv.front() == "exit" ? std::atoi(argv.at(1).c_str()) << 8 : 0));
    return Json::object();
  }

  Result<Json> kill(int signal) {
    if (signal == SIGTERM && program() == "stubborn") return Json::object();
    if (signal == SIGTERM || signal == SIGKILL || signal == SIGINT) {
      pending_signal_ = signal;
    } else {
      output("signal " + std::to_string(signal) + "\n");
    }
    return Json::object();
  }

  Result<Json> snapshot(Channel& channel, const Json& request) {
    std::vector<Obstacle> found = obstacles_from_json(obstacles());
    if (!found.empty())
      return Error(ErrorClass::refused, found.size() == 1 ? found[0].what : "2 obstacles")
          .with_obstacles(found);
    int64_t id = int_at(request, "id");
    for (uint64_t done : {1u, 2u})
      (void)channel.send(make_progress(id, "memory", done << 20, 2 << 20));
    // Opens when the test opens its side.
    if (program() == "gated") UniqueFd(::open((config_.state_dir + "/gate").c_str(), O_RDONLY));
    std::string partial = string_at(request, "partial");
    std::string dir = string_at(request, "dir");
    TRY(make_folders(partial, 0700));
    TRY(write_image(partial));
    if (program() == "vanish") ::_exit(1);
    TRY_SYS(::rename(partial.c_str(), dir.c_str()));
    if (program() == "vanish-late") ::_exit(1);
    return Json{{"processes", 1},
                {"memory_bytes", 2 << 20},
                {"stored_bytes", 4096},
                {"frozen_ms", 0.5},
                {"took_ms", 1.5}};
  }

  // The smallest image that is one: a zombie, and no memory.
  Result<> write_image(const std::string& folder) {
    image::ImageT image;
    image.aid = config_.aid;
    image.argv = config_.argv;
    image.created_ms = 1;
    image.machine = std::make_unique<image::MachineT>();
    image.machine->page_size = image::kPageSize;
    image.pages_block = image::kPagesBlock;
    auto zombie = std::make_unique<image::ProcessT>();
    zombie->pid = 2;
    zombie->parent = 1;
    zombie->state = image::ProcessState::zombie;
    image.processes.push_back(std::move(zombie));
    TRY(write_file(folder + "/pages", "", O_CREAT));
    return image::write_manifest(folder, image);
  }

  HarnessConfig config_;
  std::list<Channel> channels_;
  std::list<Stream> streams_;
  std::optional<Listener> listener_;
  pid_t init_ = 0;
  int pending_signal_ = 0;
  bool held_ = false;
  bool started_ = false;
  bool over_ = false;
};

int run(int argc, char** argv) {
  if (argc != 3) return 2;
  Channel control(UniqueFd(std::atoi(argv[2])));
  Result<std::optional<HarnessBegin>> begin = await_begin(control);
  if (!begin) {
    std::fprintf(stderr, "%s\n", begin.error().message().c_str());
    return 2;
  }
  if (!*begin) return 0;
  return FakeHarness(std::move((*begin)->config), std::move(control)).run();
}

}  // namespace
}  // namespace appshot

int main(int argc, char** argv) { return appshot::run(argc, argv); }
