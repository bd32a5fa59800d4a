// Small images for tests: one process, and what a test adds.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "image/schema/values.h"
#include "protocol/json.h"
#include "templates/classify.h"

namespace appshot::templates {

inline std::unique_ptr<image::FileNameT> file_name(const std::string& path,
                                                   uint32_t mode = 0100644) {
  auto name = std::make_unique<image::FileNameT>();
  name->path = path;
  name->mode = mode;
  name->size = 100;
  return name;
}

class SmallImage {
 public:
  SmallImage() {
    image_.aid = "web";
    image_.processes.push_back(std::make_unique<image::ProcessT>());
    process().pid = 2;
    process().name = "web";
    process().address_space = std::make_unique<image::AddressSpaceT>();
    options_["rules"] = Json::array();
  }

  image::ImageT& operator*() { return image_; }
  image::ImageT* operator->() { return &image_; }
  image::ProcessT& process() { return *image_.processes.front(); }
  Json& options() { return options_; }

  SmallImage& share(const std::string& part) {
    image_.share.push_back(part);
    return *this;
  }
  SmallImage& rules(const std::string& text, const std::string& source = "rules") {
    options_["rules"].push_back({{"source", source}, {"text", text}});
    return *this;
  }

  // Its number is the descriptor's, too.
  template <typename Kind>
  image::OpenFileT& open(Kind kind, uint32_t flags = O_RDWR) {
    const int number = static_cast<int>(image_.open_files.size());
    image_.open_files.push_back(std::make_unique<image::OpenFileT>());
    image::OpenFileT& file = *image_.open_files.back();
    file.kind.Set(std::move(kind));
    file.flags = flags;
    process().descriptors.push_back(std::make_unique<image::DescriptorT>());
    process().descriptors.back()->fd = process().descriptors.back()->file = number;
    return file;
  }
  image::OpenFileT& open_path(const std::string& path, uint32_t flags = O_RDWR) {
    image::RegularFileT file;
    file.name = file_name(path);
    return open(std::move(file), flags);
  }
  // A file of the private layer, or of a file system in memory.
  image::PrivateFileT& keep(const std::string& path, uint32_t mode = 0100644) {
    image_.private_files.push_back(std::make_unique<image::PrivateFileT>());
    image_.private_files.back()->path = path;
    image_.private_files.back()->mode = mode;
    return *image_.private_files.back();
  }
  image::MappingT& map(image::MappingKind kind, int prot, int object = -1) {
    auto& mappings = process().address_space->mappings;
    const uint64_t start = 0x1000000 + mappings.size() * 0x100000;
    mappings.push_back(std::make_unique<image::MappingT>());
    image::MappingT& mapping = *mappings.back();
    mapping.kind = kind;
    mapping.prot = static_cast<uint8_t>(prot);
    mapping.object = object;
    mapping.start = start;
    mapping.end = start + 0x2000;
    return mapping;
  }
  image::MappingT& map_file(const std::string& path, int prot, bool shared = false,
                            uint32_t mode = 0100644) {
    image_.mapped_files.push_back(file_name(path, mode));
    image::MappingT& mapping =
        map(image::MappingKind::file, prot, static_cast<int>(image_.mapped_files.size()) - 1);
    mapping.shared = shared;
    return mapping;
  }

  Classified classified() {
    image_.options = json_text(options_);
    Result<Classified> all = classify(image_);
    EXPECT_TRUE(all) << (all ? "" : all.error().message());
    return all ? std::move(*all) : Classified{};
  }

 private:
  image::ImageT image_;
  Json options_ = Json::object();
};

// The only one of that type, and of that name if it is given.
inline Record record_of(const Classified& all, const std::string& type,
                        const std::string& name = "") {
  std::vector<Record> found;
  std::ranges::copy_if(all.records, std::back_inserter(found), [&](const Record& record) {
    return record.type == type && (name.empty() || record.name == name);
  });
  EXPECT_EQ(found.size(), 1U) << type << " " << name;
  return found.empty() ? Record{} : found.front();
}

// "cow: in the private layer"
inline std::string verdict(const Classified& all, const std::string& type,
                           const std::string& name = "") {
  const Record record = record_of(all, type, name);
  return std::string(name_of(record.cls)) + ": " + record.by;
}

// The only obstacle.
inline std::string obstacle_in(const Classified& all) {
  EXPECT_EQ(all.obstacles.size(), 1U);
  return all.obstacles.empty() ? "" : all.obstacles.front().what;
}

}  // namespace appshot::templates
