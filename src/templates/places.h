// Where a path of the application lies, and so what clones find there.
#pragma once

#include <string>
#include <vector>

#include "image/schema/values.h"
#include "templates/launch.h"

namespace appshot::templates {

enum class Place {
  layer,      // the private layer, over the environment's layers, over the host's files
  memory,     // a file system in memory that each instance has of its own
  host,       // shared with the host, and so by all clones
  kernel,     // /proc, /sys, /run/appshot: made anew for each instance
  elsewhere,  // led to another place for each instance
};

struct Where {
  Place place = Place::layer;
  std::string rule{};      // that says so: "rules:3:1", "run -v"; empty: none
  std::string leads_to{};  // elsewhere: in this instance
  bool is_below = false;   // elsewhere: deeper than the rule's own path
  bool is_copied = false;  // elsewhere: what is not there is made as it was here
};

class Places {
 public:
  // Both must outlive it.
  Places(const image::ImageT& image, const Launch& launch);

  // `space`: the mount namespace in which the path leads there, Image.namespaces[]; -1: the
  // instance's own.
  Where of(const std::string& path, int space = -1) const;

  // What the application calls a file of Image.private_files.
  std::string name_of(const image::PrivateFileT& file) const;
  Where of(const image::PrivateFileT& file) const;

  // Of Image.mounts: from the root of its namespace on.
  const std::string& point_of_mount(size_t index) const { return points_[index]; }

 private:
  Where of_instance(const std::string& path) const;
  std::string own_mount_of(int file_system) const;

  const image::ImageT& image_;
  const Launch& launch_;
  std::vector<std::string> points_;  // of Image.mounts, whole
};

}  // namespace appshot::templates
