// Two processes with two threads each. All count; each process says every now and then who it is,
// its threads, how far each has counted, and which other process it knows. demo_counter [BEAT_MS]
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

std::chrono::milliseconds beat{100};

std::atomic<int> second_tid;
std::atomic<unsigned> second_count;

[[noreturn]] void count_in_second_thread() {
  second_tid = static_cast<int>(::syscall(SYS_gettid));
  for (;;) {
    ++second_count;
    std::this_thread::sleep_for(beat / 2);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) beat = std::chrono::milliseconds(std::atoi(argv[1]));
  const pid_t child = ::fork();
  if (child < 0) return 1;
  std::thread second(count_in_second_thread);
  for (unsigned count = 1;; ++count) {
    const bool is_child = child == 0;
    std::printf("%s pid %d threads %d and %d, %s %d: counted to %u and %u\n",
                is_child ? "child " : "parent", ::getpid(), ::getpid(), second_tid.load(),
                is_child ? "parent" : "child", is_child ? ::getppid() : child, count,
                second_count.load());
    std::fflush(stdout);
    std::this_thread::sleep_for(beat);
  }
}
