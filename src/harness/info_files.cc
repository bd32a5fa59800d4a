#include "harness/info_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolation/boot_id.h"
#include "isolation/resolver.h"
#include "os/file.h"
#include "os/resolv_conf.h"

namespace appshot {
namespace {

constexpr char kGeneration[] = "/generation";

// Nobody is there yet who could read a half of it.
Result<> write_info_file(const std::string& path, const std::string& content) {
  TRY(write_file(path, content, O_CREAT | O_TRUNC));
  TRY_SYS(::chmod(path.c_str(), 0644));
  return {};
}

std::string generation_line(const HarnessConfig& config) {
  return std::to_string(config.generation) + "\n";
}

}  // namespace

Result<> write_info(const InstancePlaces& places, const HarnessConfig& config) {
  TRY(write_info_file(places.info() + "/aid", config.aid + "\n"));
  TRY(write_info_file(places.info() + "/event", config.event + "\n"));
  TRY(write_info_file(places.info() + kGeneration, generation_line(config)));
  const std::optional<IpAddress> server = IpAddress::parse(config.name_server);
  if (!server) {  // nor what it had before
    ::unlink((places.info() + kOwnResolvConf).c_str());
    return {};
  }
  const std::string host = read_file(kResolvConf).value_or("");
  return write_info_file(places.info() + kOwnResolvConf, with_name_server(host, *server));
}

Result<> write_own_boot_id(const InstancePlaces& places, const HarnessConfig& config) {
  TRY(make_folders(places.info() + kPlainProc, 0755));
  return write_info_file(places.info() + kOwnBootId, config.boot_id + "\n");
}

Result<> announce_info(const InstancePlaces& places, const HarnessConfig& config) {
  return write_file(places.info() + kGeneration, generation_line(config));
}

}  // namespace appshot
