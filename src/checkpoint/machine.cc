#include "checkpoint/machine.h"

#include <cpuid.h>
#include <sys/auxv.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "os/file.h"

namespace appshot {
namespace {

constexpr size_t kVdsoBytes = 8192;

std::vector<std::string> read_cpu_features() {
  std::vector<std::string> features;
  std::istringstream lines(read_file("/proc/cpuinfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    for (std::string word; words >> word;) features.push_back(word);
    break;
  }
  std::sort(features.begin(), features.end());
  return features;
}

const std::vector<std::string>& cpu_features() {
  static const std::vector<std::string> features = read_cpu_features();
  return features;
}

// XCR0: which parts of the extended state this system saves.
uint64_t xstate_mask() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(13, 0, &a, &b, &c, &d) == 0) return 0;
  return a | static_cast<uint64_t>(d) << 32;
}

// Features of which a program that has seen them may depend on; the rest of the flags describe the
// machine to its kernel.
bool programs_use(const std::string& feature) {
  static const std::vector<std::string> used = {
      "adx",        "aes",         "avx",          "avx2",        "avx512bw",
      "avx512cd",   "avx512dq",    "avx512f",      "avx512ifma",  "avx512vbmi",
      "avx512vl",   "avx512_bf16", "avx512_vbmi2", "avx512_vnni", "avx512_vpopcntdq",
      "bmi1",       "bmi2",        "clflushopt",   "clwb",        "cx16",
      "erms",       "f16c",        "fma",          "fsgsbase",    "fsrm",
      "gfni",       "lahf_lm",     "abm",          "movbe",       "pclmulqdq",
      "popcnt",     "rdpid",       "rdrand",       "rdseed",      "sha_ni",
      "sse4_1",     "sse4_2",      "sse4a",        "ssse3",       "vaes",
      "vpclmulqdq", "xgetbv1",     "xsave",        "xsavec",      "amx_tile",
      "amx_int8",   "amx_bf16"};
  return std::find(used.begin(), used.end(), feature) != used.end();
}

}  // namespace

Result<std::unique_ptr<image::MachineT>> describe_machine() {
  auto machine = std::make_unique<image::MachineT>();
  utsname name{};
  TRY_SYS(::uname(&name));
  machine->architecture = name.machine;
  machine->kernel = name.release;
  machine->page_size = static_cast<uint32_t>(::sysconf(_SC_PAGESIZE));
  machine->cpu_features = cpu_features();
  machine->xstate_mask = xstate_mask();
  machine->vdso_hash =
      XXH3_64bits(reinterpret_cast<const void*>(::getauxval(AT_SYSINFO_EHDR)), kVdsoBytes);
  return machine;
}

void find_machine_differences(const image::MachineT& then, const image::MachineT& now,
                              std::vector<Obstacle>& differences) {
  auto add = [&](std::string what, std::string hint) {
    differences.push_back({std::move(what), std::move(hint)});
  };
  if (then.architecture != now.architecture)
    add("the image is for a " + then.architecture + " machine, this is " + now.architecture, "");
  if (then.page_size != now.page_size)
    add("the image has pages of " + std::to_string(then.page_size) + " bytes, this machine of " +
            std::to_string(now.page_size),
        "");
  for (const std::string& feature : then.cpu_features) {
    bool here = std::find(now.cpu_features.begin(), now.cpu_features.end(), feature) !=
                now.cpu_features.end();
    if (programs_use(feature) && !here)
      add("the processor lacks the feature '" + feature + "'",
          "restore on a machine that has it, or snapshot on one that has not");
  }
  if ((then.xstate_mask & ~now.xstate_mask) != 0)
    add("this system does not save all of the extended processor state that the image holds", "");
  if (then.vdso_hash != now.vdso_hash)
    add("the kernel's vdso differs: the image was made under kernel " + then.kernel + ", this is " +
            now.kernel,
        "restore under the kernel it was made under");
}

}  // namespace appshot
