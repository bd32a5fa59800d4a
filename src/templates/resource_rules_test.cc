// RESOURCE rules: which resources they speak of, by which accesses, and what can be done.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "templates/image_for_test.h"

namespace appshot::templates {
namespace {

using image::MappingKind;

// One of everything that rules can speak of.
SmallImage everything() {
  SmallImage image;
  image.options()["ports"] = {"8080:80"};
  image.options()["address"] = "198.18.0.7";
  image.open_path("/srv/log");
  image.map(MappingKind::anonymous, PROT_READ | PROT_WRITE);
  image.map_file("/bin/web", PROT_READ | PROT_EXEC);
  image->shared_memory.push_back(std::make_unique<image::SharedMemoryT>());
  image->shared_memory.back()->kind = image::SharedMemoryKind::sysv;
  image->sysv_shm.push_back(std::make_unique<image::SysvShmT>());
  image->sysv_sem.push_back(std::make_unique<image::SysvSemT>());
  image->sysv_queues.push_back(std::make_unique<image::SysvQueueT>());
  for (auto* permissions :
       {&image->sysv_shm.back()->permissions, &image->sysv_sem.back()->permissions,
        &image->sysv_queues.back()->permissions}) {
    *permissions = std::make_unique<image::IpcPermissionsT>();
    (*permissions)->key = 0x51;
  }
  image->pipes.push_back(std::make_unique<image::PipeBufferT>());
  image.open(image::PipeT(), O_WRONLY);
  image::TcpSocketT listener;
  listener.domain = AF_INET;
  listener.state = 10;
  listener.name = {AF_INET, 0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  image.open(std::move(listener));
  image::StreamT stream;
  stream.name = "stdout";
  image.open(std::move(stream), O_WRONLY);
  image::DeviceFileT device;
  device.name = file_name("/dev/null", S_IFCHR | 0666);
  device.rdev = makedev(1, 3);
  image.open(std::move(device));
  return image;
}

struct Expected {
  const char* rule;
  const char* type;  // and name, of the record that it is about
  const char* verdict;
};

// Of every type, and of every action that can be followed.
const Expected kFollowed[] = {
    {"file DO cow", "regular file", "cow: rule rules:1:1"},
    {"file DO duplicate", "regular file", "cow: rule rules:1:1 (duplicate): the same in effect"},
    {"file DO virtualise", "regular file", "cow: rule rules:1:1 (virtualise): the same in effect"},
    {"memory DO duplicate", "anonymous", "duplicate: rule rules:1:1"},
    {"memory DO cow", "anonymous", "cow: rule rules:1:1"},
    {"memory PATH \"/bin/*\" DO share", "/bin/web", "share: rule rules:1:1"},
    {"memory PATH \"/bin/*\" DO duplicate", "/bin/web",
     "share: rule rules:1:1 (duplicate): the same in effect"},
    {"memory PATH \"/lib/*\" DO refuse", "/bin/web", "share: cannot be modified"},
    {"shm KEY 0x51 DO virtualise", "sysv shm",
     "duplicate: rule rules:1:1 (virtualise): the same in effect"},
    {"shm KEY 81 DO cow", "sysv shm", "duplicate: rule rules:1:1 (cow): copied at once"},
    {"shm KEY 0x52 DO refuse", "sysv shm", "duplicate: an object of the application"},
    {"sem KEY * DO duplicate", "sysv sem", "duplicate: rule rules:1:1"},
    {"msg DO duplicate", "sysv queue", "duplicate: rule rules:1:1"},
    {"port DO virtualise", "port", "virtualise: rule rules:1:1"},
    {"port PORT 80 DO multiplex", "port",
     "virtualise: rule rules:1:1 (multiplex): of what is published"},
    {"port PORT 80 DO multiplex", "published port", "multiplex: rule rules:1:1"},
    {"port PORT 8000-8090 DO allocate", "published port", "allocate: rule rules:1:1"},
    {"port PORT 9000-9010 DO multiplex", "published port", "allocate: unique outside"},
    {"address DO allocate", "virtual address", "allocate: rule rules:1:1"},
    {"address DO virtualise", "virtual address",
     "allocate: rule rules:1:1 (virtualise): the same inside"},
    {"pipe DO duplicate", "pipe", "duplicate: rule rules:1:1"},
    {"socket PORT 80 DO duplicate", "tcp socket", "duplicate: rule rules:1:1"},
    {"socket PORT 80 DO virtualise", "tcp socket",
     "duplicate: rule rules:1:1 (virtualise): the same in effect"},
    {"terminal DO multiplex", "stream", "multiplex: rule rules:1:1"},
    {"terminal DO duplicate", "stream",
     "multiplex: rule rules:1:1 (duplicate): the same in effect"},
    {"device PATH \"/dev/*\" DO multiplex", "device file",
     "share: rule rules:1:1 (multiplex): the same in effect"},
    {"device DO allocate", "device file", "share: rule rules:1:1 (allocate): the same in effect"},
};

std::string verdict_about(const Classified& all, const std::string& what) {
  for (const Record& record : all.records)
    if (record.type == what || record.name == what)
      return std::string(name_of(record.cls)) + ": " + record.by;
  return "no record";
}

TEST(ResourceRules, OverrideWhatFollowsByItself) {
  for (const Expected& one : kFollowed) {
    SmallImage image = everything();
    image.rules("RESOURCE " + std::string(one.rule));
    const Classified all = image.classified();
    EXPECT_EQ(verdict_about(all, one.type), one.verdict) << one.rule;
    EXPECT_EQ(verdict_about(all, one.type).find("cannot be:"), std::string::npos);
  }
}

// What cannot be done, and a word of why.
const Expected kImpossible[] = {
    {"file PATH \"/srv/log\" DO share", "regular file", "it lies in the private layer"},
    {"memory ON write DO share", "anonymous", "the memory of a process has no name"},
    {"memory PATH \"/bin/web\" DO virtualise", "/bin/web", "it has no name but in its process"},
    {"shm DO share", "sysv shm", "each clone has IPC names of its own"},
    {"sem DO share", "sysv sem", "each clone has IPC names of its own"},
    {"msg DO share", "sysv queue", "each clone has IPC names of its own"},
    {"port PORT 80 DO share", "port", "each clone listens in a network of its own"},
    {"port PORT 8080 DO duplicate", "published port", "outside a number leads to one"},
    {"address DO share", "virtual address", "an address leads to one instance"},
    {"address DO multiplex", "virtual address", "an address leads to one instance"},
    {"pipe DO share", "pipe", "it has no name by which another could find it"},
    {"pipe DO virtualise", "pipe", "it has no name by which another could find it"},
    {"socket PORT 80 DO share", "tcp socket", "what comes to it comes to one instance"},
    {"socket PORT 80 DO multiplex", "tcp socket", "what comes to it comes to one instance"},
    {"terminal DO share", "stream", "each clone's harness has an end of its own"},
};

TEST(ResourceRules, WhatCannotBeDoneIsInTheWayWithItsPosition) {
  for (const Expected& one : kImpossible) {
    SmallImage image = everything();
    image.rules("# nothing\n  RESOURCE " + std::string(one.rule), "app.rules");
    const Classified all = image.classified();
    ASSERT_FALSE(all.obstacles.empty()) << one.rule;
    const std::string& what = all.obstacles.front().what;
    EXPECT_NE(what.find("rule app.rules:2:3 says "), std::string::npos) << what;
    EXPECT_NE(what.find(one.verdict), std::string::npos) << what;
    EXPECT_FALSE(all.obstacles.front().hint.empty()) << one.rule;
    EXPECT_NE(verdict_about(all, one.type).find("which cannot be"), std::string::npos) << one.rule;
  }
}

TEST(ResourceRules, RefuseRefusesEveryType) {
  for (const char* type : {"file", "memory", "shm", "sem", "msg", "port", "address", "pipe",
                           "socket", "terminal", "device"}) {
    SmallImage image = everything();
    image.rules("RESOURCE " + std::string(type) + " DO refuse");
    const Classified all = image.classified();
    ASSERT_FALSE(all.obstacles.empty()) << type;
    EXPECT_NE(all.obstacles.front().what.find("rule rules:1:1 refuses it"), std::string::npos);
  }
}

TEST(ResourceRules, SayTheWholeOfWhatIsInTheWay) {
  SmallImage image;
  image.open_path("/srv/log");
  image.rules("RESOURCE file PATH \"/srv/*\" DO share");
  const Classified all = image.classified();
  EXPECT_EQ(obstacle_in(all),
            "regular file /srv/log (process 2, descriptor 0): rule rules:1:1 says share, but it "
            "lies in the private layer, which no other instance sees");
  EXPECT_EQ(all.obstacles.front().hint, "EXCEPT PATH or run -v makes files common to all");
}

TEST(ResourceRules, TheLastThatMatchesDecides) {
  SmallImage image;
  image.open_path("/srv/log");
  image.rules("RESOURCE file DO refuse\nRESOURCE file PATH \"/srv/**\" DO cow", "everybody");
  EXPECT_EQ(verdict(image.classified(), "regular file"), "cow: rule everybody:2:1");
  image.rules("RESOURCE file PATH \"/srv/**\" DO duplicate\nRESOURCE pipe DO refuse", "rules");
  EXPECT_EQ(verdict(image.classified(), "regular file"),
            "cow: rule rules:1:1 (duplicate): the same in effect");
  EXPECT_TRUE(image.classified().obstacles.empty());
}

TEST(ResourceRules, OfAFileThatIsReadAndWrittenTheLastRuleOfBothDecides) {
  SmallImage image;
  image.open_path("/srv/log", O_RDWR);
  image.rules("RESOURCE file ON write DO refuse\nRESOURCE file ON read DO cow");
  EXPECT_EQ(verdict(image.classified(), "regular file"), "cow: rule rules:2:1");
  image.rules("RESOURCE file ON create,destroy DO refuse", "more");
  EXPECT_EQ(verdict(image.classified(), "regular file"), "cow: rule rules:2:1");
}

// A file with these flags, and whether the last name is gone.
std::string matched_accesses(uint32_t flags, bool lost, const std::string& path = "/srv/x") {
  std::string matched;
  for (const char* access : {"create", "read", "write", "destroy"}) {
    SmallImage image;
    image->ghosts.push_back(std::make_unique<image::GhostT>());
    image.open_path(path, flags);
    image->open_files.back()->kind.AsRegularFile()->name->ghost = lost ? 0 : -1;
    image.rules("RESOURCE file ON " + std::string(access) + " DO refuse");
    if (!image.classified().obstacles.empty()) matched += std::string(access) + " ";
  }
  return matched;
}

TEST(ResourceRules, AccessesOfAnOpenFileAreHowItIsOpen) {
  EXPECT_EQ(matched_accesses(O_RDONLY, false), "read ");
  EXPECT_EQ(matched_accesses(O_WRONLY, false), "write ");
  EXPECT_EQ(matched_accesses(O_RDWR | O_APPEND, false), "read write ");
  EXPECT_EQ(matched_accesses(O_PATH, false), "read ");
  EXPECT_EQ(matched_accesses(O_RDONLY, true), "read destroy ");
  EXPECT_EQ(matched_accesses(O_RDWR, true, "/tmp/#0"), "create read write destroy ");
}

template <typename Add>
std::string matched_by(const std::string& type, Add add) {
  std::string matched;
  for (const char* access : {"create", "read", "write", "destroy"}) {
    SmallImage image;
    add(image);
    image.rules("RESOURCE " + type + " ON " + access + " DO refuse");
    if (!image.classified().obstacles.empty()) matched += std::string(access) + " ";
  }
  return matched;
}

TEST(ResourceRules, AccessesOfOtherResources) {
  auto map = [](int prot) {
    return [prot](SmallImage& image) { image.map(MappingKind::anonymous, prot); };
  };
  EXPECT_EQ(matched_by("memory", map(PROT_READ | PROT_EXEC)), "read ");
  EXPECT_EQ(matched_by("memory", map(PROT_READ | PROT_WRITE)), "read write ");
  EXPECT_EQ(matched_by("file", [](SmallImage& image) { image.keep("layers/root/x"); }),
            "create write ");
  EXPECT_EQ(matched_by("file", [](SmallImage& image) { image.keep("layers/root/x", S_IFCHR); }),
            "destroy ");
  EXPECT_EQ(matched_by("shm", [](SmallImage& image) { image.keep("shm/x"); }), "create write ");
  EXPECT_EQ(matched_by("sem", [](SmallImage& image) { image.keep("shm/sem.x"); }), "create write ");
  auto segment = [](bool destroyed) {
    return [destroyed](SmallImage& image) {
      image->shared_memory.push_back(std::make_unique<image::SharedMemoryT>());
      image->shared_memory.back()->kind = image::SharedMemoryKind::sysv;
      image->sysv_shm.push_back(std::make_unique<image::SysvShmT>());
      image->sysv_shm.back()->permissions = std::make_unique<image::IpcPermissionsT>();
      image->sysv_shm.back()->destroyed = destroyed;
    };
  };
  EXPECT_EQ(matched_by("shm", segment(false)), "create read write ");
  EXPECT_EQ(matched_by("shm", segment(true)), "create read write destroy ");
  auto pipe = [](SmallImage& image) {
    image->pipes.push_back(std::make_unique<image::PipeBufferT>());
    image.open(image::PipeT(), O_WRONLY);
  };
  EXPECT_EQ(matched_by("pipe", pipe), "write ");
  auto socket = [](uint8_t shut) {
    return [shut](SmallImage& image) {
      image::UnixSocketT own;
      own.shut = shut;
      image.open(std::move(own));
    };
  };
  EXPECT_EQ(matched_by("socket", socket(0)), "read write ");
  EXPECT_EQ(matched_by("socket", socket(1)), "write ");
  EXPECT_EQ(matched_by("socket", socket(3)), "destroy ");
  EXPECT_EQ(matched_by("port", [](SmallImage& image) { image.options()["ports"] = {"80:80"}; }),
            "create read ");
  EXPECT_EQ(
      matched_by("address", [](SmallImage& image) { image.options()["address"] = "198.18.0.2"; }),
      "read write ");
}

TEST(ResourceRules, WhatIsPublicIsSharedWhateverTheySay) {
  SmallImage image;
  image.options()["public_paths"] = {"/srv:/pub"};
  image.open_path("/pub/x");
  image.rules("RESOURCE file PATH \"/pub/**\" DO share");
  EXPECT_EQ(verdict(image.classified(), "regular file"), "share: rule rules:1:1");
  image.rules("RESOURCE file DO duplicate", "more");
  EXPECT_NE(obstacle_in(image.classified())
                .find("rule more:1:1 says duplicate, but it is the "
                      "host's"),
            std::string::npos);
}

TEST(ResourceRules, AProgramIsSharedWhateverTheySay) {
  for (const char* action : {"cow", "duplicate", "virtualise"}) {
    SmallImage image;
    image.process().address_space->exe = file_name("/usr/bin/web");
    image.rules("RESOURCE file PATH \"/usr/**\" DO " + std::string(action));
    const Classified all = image.classified();
    EXPECT_EQ(record_of(all, "program").cls, Class::share);
    EXPECT_TRUE(all.obstacles.empty());
  }
}

TEST(ResourceRules, MakeNoTemplateOfADevice) {
  SmallImage image;
  image::DeviceFileT device;
  device.name = file_name("/dev/kvm", S_IFCHR | 0666);
  device.rdev = makedev(10, 232);
  image.open(std::move(device));
  image.rules("RESOURCE device PATH \"/dev/kvm\" DO share");
  EXPECT_NE(obstacle_in(image.classified()).find("is a device (10:232)"), std::string::npos);
}

TEST(ResourceRules, QueuesAreKnownByBothOfTheirNames) {
  for (const char* path : {"/jobs", "/dev/mqueue/jobs"}) {
    SmallImage image;
    image->message_queues.push_back(std::make_unique<image::MessageQueueT>());
    image->message_queues.back()->name = "/jobs";
    image.rules("RESOURCE msg PATH \"" + std::string(path) + "\" DO refuse");
    EXPECT_EQ(image.classified().obstacles.size(), 1U) << path;
  }
}

TEST(ResourceRules, OfSeveralDescriptorsOfOneFileTheFirstIsTold) {
  SmallImage image;
  image.open_path("/srv/log");
  image.process().descriptors.push_back(std::make_unique<image::DescriptorT>());
  image.process().descriptors.back()->fd = 7;
  image.rules("RESOURCE file DO refuse");
  EXPECT_NE(obstacle_in(image.classified()).find("descriptor 0"), std::string::npos);
}

}  // namespace
}  // namespace appshot::templates
