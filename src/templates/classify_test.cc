// The classes that resources have by themselves.
#include "templates/classify.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "image/rich_image_for_test.h"
#include "os/proc/maps.h"
#include "templates/image_for_test.h"
#include "templates/open_files.h"

namespace appshot::templates {
namespace {

using image::FileKind;
using image::MappingKind;

std::vector<uint8_t> v4(std::array<uint8_t, 4> address, uint16_t port) {
  return {AF_INET,
          0,
          static_cast<uint8_t>(port >> 8),
          static_cast<uint8_t>(port),
          address[0],
          address[1],
          address[2],
          address[3],
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0};
}

image::TcpSocketT tcp(std::vector<uint8_t> own, std::vector<uint8_t> peer, uint8_t state = 1) {
  image::TcpSocketT socket;
  socket.domain = AF_INET;
  socket.state = state;
  socket.name = std::move(own);
  socket.peer_name = std::move(peer);
  if (state == 1) socket.connection = std::make_unique<image::TcpConnectionT>();
  return socket;
}

constexpr uint8_t kListens = 10;

TEST(Classes, EveryKindOfOpenFileHasOne) {
  const image::ImageT image = image::rich_image();
  Classified all = classify(image).value();
  for (int i = static_cast<int>(FileKind::MIN) + 1; i <= static_cast<int>(FileKind::MAX); ++i) {
    const std::string type = plain_words(EnumNameFileKind(static_cast<FileKind>(i)));
    EXPECT_TRUE(std::ranges::any_of(all.records, [&](const Record& r) { return r.type == type; }))
        << type;
  }
}

TEST(Classes, EveryRecordSaysWhy) {
  const Classified all = classify(image::rich_image()).value();
  for (const Record& record : all.records) {
    EXPECT_FALSE(record.type.empty());
    EXPECT_FALSE(record.by.empty()) << record.type;
  }
}

TEST(Classes, EveryOpenFileIsListedWhoeverHasIt) {
  const image::ImageT image = image::rich_image();
  size_t records = 0;
  const Classified all = classify(image).value();
  for (const Record& record : all.records)
    for (int i = 1; i <= static_cast<int>(FileKind::MAX); ++i)
      records += record.type == plain_words(EnumNameFileKind(static_cast<FileKind>(i))) ? 1 : 0;
  size_t held = 0, descriptors = 0;
  std::set<int> known;
  for (const auto& process : image.processes)
    for (const auto& descriptor : process->descriptors) {
      ++descriptors;
      held += known.insert(descriptor->file).second ? 1 : 0;
    }
  EXPECT_EQ(records, descriptors + image.open_files.size() - held);
}

TEST(Classes, ProcessesAndThreadsKeepTheirIds) {
  SmallImage image;
  image.process().threads.push_back(std::make_unique<image::ThreadT>());
  image.process().threads.push_back(std::make_unique<image::ThreadT>());
  image.process().threads.back()->tid = 7;
  const Classified all = image.classified();
  EXPECT_EQ(verdict(all, "process"), "virtualise: its name is unique on a system");
  EXPECT_EQ(record_of(all, "thread").detail, "id 7");
  EXPECT_TRUE(all.obstacles.empty());
}

TEST(Classes, MemoryThatCannotBeModifiedIsShared) {
  SmallImage image;
  image.map_file("/bin/web", PROT_READ | PROT_EXEC);
  image.map_file("/bin/web", PROT_READ);
  const Record record = record_of(image.classified(), "memory");
  EXPECT_EQ(record.cls, Class::share);
  EXPECT_EQ(record.by, "cannot be modified");
  EXPECT_EQ(record.size, 0x4000U);
  EXPECT_EQ(record.detail, "2 mappings, 16 KiB mapped");
}

TEST(Classes, MemoryThatHasBeenModifiedIsNotSharedThoughItIsReadOnlyNow) {
  SmallImage image;
  image.map_file("/bin/web", PROT_READ).pages = {image::PageRun(0x1000000, 0x1000, 0)};
  const Record record = record_of(image.classified(), "memory");
  EXPECT_EQ(record.cls, Class::cow);
  EXPECT_EQ(record.size, 0x1000U);
}

TEST(Classes, MemoryOfItsOwnIsCopiedOnWriteUnlessLocked) {
  SmallImage image;
  image.map(MappingKind::anonymous, PROT_READ | PROT_WRITE);
  image.map(MappingKind::anonymous, PROT_READ | PROT_WRITE).vm_flags = proc::kLocked;
  image.map(MappingKind::anonymous, PROT_READ | PROT_WRITE).vm_flags =
      proc::kLocked | proc::kLockOnFault;
  image.map_file("/bin/web", PROT_READ | PROT_WRITE);
  std::vector<std::string> verdicts;
  const Classified all = image.classified();
  for (const Record& record : all.records)
    if (record.type == "memory")
      verdicts.push_back(std::string(name_of(record.cls)) + " " + record.by);
  EXPECT_EQ(verdicts,
            (std::vector<std::string>{"cow can be modified", "duplicate locked, so copied at once",
                                      "cow can be modified"}));
}

TEST(Classes, MappingsInCommonAreAsTheirFileIs) {
  SmallImage image;
  image.map_file("/srv/db", PROT_READ | PROT_WRITE, true).writable_file = true;
  image.map_file("/srv/cache", PROT_READ, true);
  image.map_file("/dev/shm/ring", PROT_READ | PROT_WRITE, true).writable_file = true;
  const Classified all = image.classified();
  EXPECT_EQ(verdict(all, "memory", "/srv/db"), "cow: in the private layer");
  EXPECT_EQ(verdict(all, "memory", "/srv/cache"), "share: cannot be modified");
  EXPECT_EQ(verdict(all, "memory", "/dev/shm/ring"), "duplicate: in a file system in memory");
}

TEST(Classes, WhatTheKernelMapsIsShared) {
  SmallImage image;
  image.map(MappingKind::vdso, PROT_READ);
  image.map(MappingKind::vvar, PROT_READ);
  EXPECT_EQ(verdict(image.classified(), "memory"), "share: the kernel's");
}

TEST(Classes, HeapAndStackAreToldApart) {
  SmallImage image;
  const uint64_t heap = image.map(MappingKind::anonymous, PROT_READ).start;
  const uint64_t stack = image.map(MappingKind::anonymous, PROT_READ).start;
  image.process().address_space->marks = std::make_unique<image::AddressMarks>(
      0, 0, 0, 0, heap, heap + 0x1000, stack + 0x10, 0, 0, 0, 0);
  const Classified all = image.classified();
  EXPECT_EQ(record_of(all, "memory", "heap").cls, Class::cow);
  EXPECT_EQ(record_of(all, "memory", "stack").cls, Class::cow);
}

TEST(Classes, SharedMemoryIsEachClonesOwn) {
  SmallImage image;
  image->shared_memory.push_back(std::make_unique<image::SharedMemoryT>());
  image->shared_memory.back()->pages = {image::PageRun(0, 0x3000, 0)};
  image.map(MappingKind::shared_memory, PROT_READ | PROT_WRITE, 0);
  const Classified all = image.classified();
  EXPECT_EQ(verdict(all, "shared memory"), "duplicate: an object of the application");
  EXPECT_EQ(record_of(all, "shared memory").size, 0x3000U);
  EXPECT_EQ(verdict(all, "memory"), "duplicate: an object of the application");
}

TEST(Classes, DevicesWithoutStateAreSharedAndOthersAreInTheWay) {
  const unsigned stateless[][2] = {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}};
  for (auto [major_number, minor_number] : stateless) {
    SmallImage image;
    image::DeviceFileT device;
    device.name = file_name("/dev/x", S_IFCHR | 0666);
    device.rdev = makedev(major_number, minor_number);
    image.open(std::move(device));
    const Classified all = image.classified();
    EXPECT_EQ(verdict(all, "device file"), "share: holds no state");
    EXPECT_TRUE(all.obstacles.empty());
  }
  SmallImage image;
  image::DeviceFileT device;
  device.name = file_name("/dev/kvm", S_IFCHR | 0666);
  device.rdev = makedev(10, 232);
  image.open(std::move(device));
  const Classified all = image.classified();
  EXPECT_EQ(obstacle_in(all),
            "device file /dev/kvm (process 2, descriptor 0) is a device (10:232), which can be "
            "neither shared nor duplicated");
  EXPECT_EQ(all.obstacles.front().hint, "close it before the snapshot");
}

TEST(Classes, ADeviceIsInTheWayOnceHoweverManyHaveIt) {
  SmallImage image;
  image::DeviceFileT device;
  device.name = file_name("/dev/fuse", S_IFCHR | 0666);
  device.rdev = makedev(10, 229);
  image.open(std::move(device));
  image.process().descriptors.push_back(std::make_unique<image::DescriptorT>());
  image.process().descriptors.back()->fd = 9;
  EXPECT_EQ(image.classified().obstacles.size(), 1U);
}

TEST(Classes, AMappedDeviceIsInTheWayAndZerosAreMemory) {
  SmallImage image;
  image.map_file("/dev/zero", PROT_READ | PROT_WRITE, false, S_IFCHR | 0666);
  EXPECT_EQ(verdict(image.classified(), "memory"), "cow: can be modified");
  image.map_file("/dev/mem", PROT_READ, true, S_IFCHR | 0600);
  EXPECT_EQ(obstacle_in(image.classified()),
            "memory /dev/mem (process 2) is that of a device, which can be neither shared nor "
            "duplicated");
}

TEST(Classes, TheHarnessHasTheOtherEndOfStreamsAndOfTheInstancesTerminal) {
  SmallImage image;
  image::StreamT stream;
  stream.name = "stdout";
  image.open(std::move(stream));
  for (int i : {0, 1}) {
    image->terminals.push_back(std::make_unique<image::TerminalStateT>());
    image->terminals.back()->index = i;
    image->terminals.back()->of_instance = i == 0;
    image::TerminalT terminal;
    terminal.name = "/dev/pts/" + std::to_string(i);
    terminal.terminal = i;
    image.open(std::move(terminal));
  }
  image::TerminalT controlling;
  controlling.name = "/dev/tty";
  image.open(std::move(controlling));
  const Classified all = image.classified();
  EXPECT_EQ(verdict(all, "stream"), "multiplex: the harness has its other end");
  EXPECT_EQ(record_of(all, "terminal", "/dev/pts/0").cls, Class::multiplex);
  EXPECT_EQ(record_of(all, "terminal", "/dev/pts/1").cls, Class::duplicate);
  EXPECT_EQ(record_of(all, "terminal", "/dev/tty").cls, Class::share);
  EXPECT_EQ(record_of(all, "terminal state", "/dev/pts/0").cls, Class::multiplex);
}

TEST(Classes, PortsInsideAreVirtualisedAndPublishedOnesAreAllocated) {
  SmallImage image;
  image.options()["ports"] = {"8080:80"};
  image.options()["address"] = "198.18.0.7";
  image.open(tcp(v4({0, 0, 0, 0}, 80), {}, kListens));
  image::UdpSocketT udp;
  udp.domain = AF_INET;
  udp.name = v4({127, 0, 0, 1}, 53);
  image.open(std::move(udp));
  const Classified all = image.classified();
  EXPECT_EQ(verdict(all, "tcp socket", "0.0.0.0:80"), "duplicate: an object of the application");
  EXPECT_EQ(verdict(all, "port", "tcp 80"), "virtualise: its name is unique on a system");
  EXPECT_EQ(record_of(all, "port", "udp 53").cls, Class::virtualise);
  EXPECT_EQ(verdict(all, "published port", "8080:80"), "allocate: unique outside");
  EXPECT_EQ(verdict(all, "virtual address", "198.18.0.7"), "allocate: unique on the network");
  EXPECT_TRUE(all.obstacles.empty());
}

TEST(Classes, AConnectionWithOthersIsOneClonesAtMost) {
  SmallImage image;
  const auto own = v4({198, 18, 0, 7}, 80), client = v4({198, 18, 0, 7}, 40000);
  const auto outside = v4({10, 0, 0, 1}, 5000);
  image.open(tcp(own, client));
  image.open(tcp(client, own));
  image.open(tcp(own, outside));
  constexpr uint8_t kAsksFor = 2;
  image.open(tcp(own, outside, kAsksFor));
  const Classified all = image.classified();
  std::vector<std::string> by;
  for (const Record& record : all.records)
    if (record.type == "tcp socket") by.push_back(record.by);
  EXPECT_EQ(by, (std::vector<std::string>{
                    "an object of the application", "an object of the application",
                    "one clone's at most; to others closed", "an object of the application"}));
}

TEST(Classes, WithTheHostsNetworkNamesAreInTheWay) {
  SmallImage image;
  image.share("net");
  image.open(tcp(v4({0, 0, 0, 0}, 80), {}, kListens));
  image.open(tcp(v4({10, 0, 0, 2}, 6000), v4({10, 0, 0, 1}, 5000))).kind.AsTcpSocket()->outside =
      true;
  image::UnixSocketT abstract;
  abstract.name = {0, 'a', 'b'};
  image.open(std::move(abstract));
  image.open(image::UdpSocketT());
  const Classified all = image.classified();
  ASSERT_EQ(all.obstacles.size(), 2U);
  EXPECT_EQ(
      all.obstacles[0].what,
      "tcp socket 0.0.0.0:80 (process 2, descriptor 0) is at 0.0.0.0:80 of the host's network "
      "(--share net), where only one instance can be");
  EXPECT_NE(all.obstacles[1].what.find("is called @ab in the host's network"), std::string::npos);
  EXPECT_EQ(verdict(all, "port"), "share: the host's (--share net)");
  EXPECT_EQ(verdict(all, "shared part"), "share: the host's (--share net)");
}

TEST(Classes, PortsOfTheHostsNetworkThatTheKernelDividesAreMultiplexed) {
  SmallImage image;
  image.share("net");
  image::TcpSocketT listener = tcp(v4({0, 0, 0, 0}, 80), {}, kListens);
  listener.options.push_back(std::make_unique<image::SocketOptionT>());
  listener.options.back()->level = SOL_SOCKET;
  listener.options.back()->name = SO_REUSEPORT;
  listener.options.back()->value = {1, 0, 0, 0};
  image.open(std::move(listener));
  const Classified all = image.classified();
  EXPECT_EQ(verdict(all, "port"), "multiplex: divided by the kernel (SO_REUSEPORT)");
  EXPECT_TRUE(all.obstacles.empty());
  image->open_files.back()->kind.AsTcpSocket()->options.back()->value = {0, 0, 0, 0};
  EXPECT_EQ(image.classified().obstacles.size(), 1U);
}

TEST(Classes, InANetworkOfTheApplicationsOwnNamesAreNot) {
  SmallImage image;
  image.share("net");
  image.open(tcp(v4({0, 0, 0, 0}, 80), {}, kListens)).network = 0;
  image->namespaces.push_back(std::make_unique<image::NamespaceT>());
  image->namespaces.back()->kind = "net";
  const Classified all = image.classified();
  EXPECT_TRUE(all.obstacles.empty());
  EXPECT_EQ(record_of(all, "port").cls, Class::virtualise);
}

TEST(Classes, IpcObjectsAreDuplicatedAndTheirNamesVirtualised) {
  SmallImage image;
  image->shared_memory.push_back(std::make_unique<image::SharedMemoryT>());
  image->shared_memory.back()->kind = image::SharedMemoryKind::sysv;
  image->sysv_shm.push_back(std::make_unique<image::SysvShmT>());
  image->sysv_shm.back()->permissions = std::make_unique<image::IpcPermissionsT>();
  image->sysv_shm.back()->permissions->key = 0x51;
  image->message_queues.push_back(std::make_unique<image::MessageQueueT>());
  image->message_queues.back()->name = "/jobs";
  image.keep("shm/counter");
  image.keep("shm/sem.lock");
  const Classified all = image.classified();
  EXPECT_EQ(record_of(all, "sysv shm").cls, Class::duplicate);
  EXPECT_EQ(record_of(all, "sysv shm id").detail, "key 0x00000051");
  EXPECT_EQ(record_of(all, "sysv shm id").cls, Class::virtualise);
  EXPECT_EQ(record_of(all, "message queue").cls, Class::duplicate);
  EXPECT_EQ(record_of(all, "message queue name", "/jobs").cls, Class::virtualise);
  EXPECT_EQ(record_of(all, "posix shm name", "/counter").cls, Class::virtualise);
  EXPECT_EQ(record_of(all, "posix sem name", "/lock").cls, Class::virtualise);
}

TEST(Classes, IpcObjectsOfTheHostAreShared) {
  SmallImage image;
  image.share("ipc");
  image->message_queues.push_back(std::make_unique<image::MessageQueueT>());
  image->message_queues.back()->name = "/jobs";
  image.open(image::MessageQueueFileT());
  image->shared_memory.push_back(std::make_unique<image::SharedMemoryT>());
  image->shared_memory.back()->kind = image::SharedMemoryKind::sysv;
  image.map(MappingKind::shared_memory, PROT_READ, 0);
  const Classified all = image.classified();
  EXPECT_EQ(record_of(all, "message queue file").cls, Class::share);
  EXPECT_EQ(record_of(all, "message queue").cls, Class::share);
  EXPECT_EQ(verdict(all, "memory"), "share: the host's");
}

TEST(Classes, OptionsThatCannotBeReadAreAnError) {
  image::ImageT image;
  image.options = "{";
  EXPECT_FALSE(classify(image));
  SmallImage broken;
  broken.rules("RESOURCE nonsense DO share");
  broken->options = json_text(broken.options());
  const auto refused = classify(*broken);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("rules:1:10"), std::string::npos)
      << refused.error().message();
}

}  // namespace
}  // namespace appshot::templates
