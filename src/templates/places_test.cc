// Where paths lie: public, the host's, in memory, led elsewhere.
#include "templates/places.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "templates/image_for_test.h"

namespace appshot::templates {
namespace {

std::string verdict_of_path(SmallImage& image, const std::string& path) {
  image.open_path(path);
  return verdict(image.classified(), "regular file", path);
}

TEST(Places, FilesOfTheInstanceAreCopiedOnWrite) {
  SmallImage image;
  EXPECT_EQ(verdict_of_path(image, "/srv/x"), "cow: in the private layer");
  EXPECT_EQ(verdict_of_path(image, "/dev/shm/x"), "duplicate: in a file system in memory");
  EXPECT_EQ(verdict_of_path(image, "/dev/own"), "duplicate: in a file system in memory");
  EXPECT_EQ(verdict_of_path(image, "/proc/meminfo"), "virtualise: its name is unique on a system");
}

TEST(Places, AFileWithoutANameIsDuplicated) {
  SmallImage image;
  image->ghosts.push_back(std::make_unique<image::GhostT>());
  image->ghosts.back()->size = 5000;
  image::RegularFileT file;
  file.name = file_name("/srv/gone");
  file.name->ghost = 0;
  image.open(std::move(file));
  const Record record = record_of(image.classified(), "regular file");
  EXPECT_EQ(record.cls, Class::duplicate);
  EXPECT_EQ(record.by, "has no name any more");
  EXPECT_EQ(record.size, 5000U);
}

TEST(Places, PublicPathsAreSharedWhoeverSaysSo) {
  SmallImage image;
  image.options()["public_paths"] = {"/srv/on-host:/shown:ro"};
  image.rules("SET ENV \"A\" = \"b\"\nEXCEPT PATH \"/srv/pub\"");
  EXPECT_EQ(verdict_of_path(image, "/shown/x"), "share: the host's (run -v)");
  EXPECT_EQ(verdict_of_path(image, "/srv/pub/x"), "share: the host's (rules:2:1)");
  EXPECT_EQ(verdict_of_path(image, "/srv/public"), "cow: in the private layer");
  const Classified all = image.classified();
  EXPECT_EQ(verdict(all, "public path", "/shown"), "share: the host's (run -v)");
  EXPECT_EQ(record_of(all, "public path", "/shown").detail, "read-only");
  EXPECT_EQ(verdict(all, "public path", "/srv/pub"), "share: the host's (rules:2:1)");
}

TEST(Places, WithTheHostsFilesAllButMemoryAndProcIsShared) {
  SmallImage image;
  image.share("fs");
  EXPECT_EQ(verdict_of_path(image, "/srv/x"), "share: the host's (--share fs)");
  EXPECT_EQ(verdict_of_path(image, "/dev/own"), "share: the host's (--share fs)");
  EXPECT_EQ(verdict_of_path(image, "/dev/shm/x"), "duplicate: in a file system in memory");
  EXPECT_EQ(verdict_of_path(image, "/proc/x"), "virtualise: its name is unique on a system");
  image.share("ipc");
  EXPECT_EQ(verdict(image.classified(), "regular file", "/dev/shm/x"),
            "share: the host's (--share ipc)");
}

TEST(Places, ARedirectionToTheSamePlaceForAllIsInEachOnesLayer) {
  SmallImage image;
  image.rules("REDIR PATH \"/data\" TO \"/own/<APPL-ID>\" CREATE");
  EXPECT_EQ(verdict_of_path(image, "/data/x"), "cow: in the private layer");
  const Classified all = image.classified();
  EXPECT_TRUE(all.obstacles.empty());
  EXPECT_EQ(verdict(all, "redirection", "/data"), "virtualise: rule rules:1:1");
  EXPECT_EQ(record_of(all, "redirection").detail, "to /own/web");
}

TEST(Places, WhatIsOpenOrWatchedBelowAPathThatEachCloneHasElsewhereIsFoundThere) {
  SmallImage image;
  image.rules("REDIR PATH \"/data\" TO \"/own/<INSTANCE>\" CREATE");
  EXPECT_EQ(verdict_of_path(image, "/data/log"), "virtualise: led elsewhere (rules:1:1)");
  image.process().cwd = file_name("/data/in", S_IFDIR | 0755);
  image::InotifyT inotify;
  inotify.watches.push_back(std::make_unique<image::InotifyWatchT>());
  inotify.watches.back()->name = file_name("/data/in", S_IFDIR | 0755);
  image.open(std::move(inotify));
  const Classified all = image.classified();
  EXPECT_TRUE(all.obstacles.empty());
  EXPECT_EQ(record_of(all, "working folder").cls, Class::virtualise);
}

TEST(Places, AWatchOfWhichOnlyThePlaceOfThisInstanceIsKnownIsInTheWay) {
  SmallImage image;
  image.rules("REDIR PATH \"/data\" TO \"/own/<INSTANCE>\" COPY");
  image::InotifyT inotify;
  inotify.watches.push_back(std::make_unique<image::InotifyWatchT>());
  inotify.watches.back()->name = file_name("/own/web/in", S_IFDIR | 0755);
  image.open(std::move(inotify));
  EXPECT_NE(obstacle_in(image.classified())
                .find("watches /own/web/in, to which the rule rules:1:1 leads /data/in"),
            std::string::npos);
}

TEST(Places, APathByTheNameOfTheTemplateLeadsElsewhereInAClone) {
  SmallImage image;
  image.options()["template_name"] = "golden";
  image.rules("DEFINE <T> AS PROPERTY template\nREDIR PATH \"/data\" TO \"/own/<T>\" CREATE");
  EXPECT_EQ(verdict_of_path(image, "/data/log"), "virtualise: led elsewhere (rules:2:1)");
}

TEST(Places, WhatIsMappedThereIsInTheWayUnlessItIsCopied) {
  for (int prot : {PROT_READ, PROT_READ | PROT_WRITE}) {
    for (const char* word : {"", "CREATE", "COPY"}) {
      SmallImage image;
      image.rules(std::string("REDIR PATH \"/data\" TO \"/own/<INSTANCE>\" ") + word);
      image.map_file("/data/lib.so", prot);
      const Classified all = image.classified();
      if (word == std::string_view("COPY")) {
        EXPECT_TRUE(all.obstacles.empty());
        continue;
      }
      EXPECT_EQ(obstacle_in(all),
                "memory /data/lib.so (process 2): the rule rules:1:1 leads that path elsewhere for "
                "each clone (here to /own/web/lib.so), where the same will not be");
      EXPECT_NE(all.obstacles.front().hint.find("COPY"), std::string::npos);
    }
  }
}

TEST(Places, ASocketIsMadeAnewInAFolderThatEachCloneHas) {
  for (auto [path, is_in_the_way] : {std::pair("/data/s", false), std::pair("/data/in/s", true)}) {
    SmallImage image;
    image.rules("REDIR PATH \"/data\" TO \"/own/<INSTANCE>\" CREATE");
    image::UnixSocketT socket;
    socket.name = {'s'};
    socket.file = file_name(path, S_IFSOCK | 0600);
    image.open(std::move(socket));
    EXPECT_EQ(image.classified().obstacles.size(), is_in_the_way ? 1U : 0U) << path;
  }
}

TEST(Places, ARedirectionIntoWhatIsPublicIsShared) {
  SmallImage image;
  image.rules("EXCEPT PATH \"/srv\"\nREDIR PATH \"/data\" TO \"/srv/data\"");
  EXPECT_EQ(verdict_of_path(image, "/data/x"), "share: the host's (rules:1:1)");
}

TEST(Places, LaterTextsTakeBackWhatEarlierOnesSay) {
  SmallImage image;
  image.rules("EXCEPT PATH \"/srv\"", "everybody");
  EXPECT_EQ(verdict_of_path(image, "/srv/x"), "share: the host's (everybody:1:1)");
  image.rules("REDIR PATH \"/srv\" TO \"/own\"", "rules");
  EXPECT_EQ(verdict(image.classified(), "regular file"), "cow: in the private layer");
}

TEST(Places, MountsOfTheApplicationDecide) {
  SmallImage image;
  image.options()["public_paths"] = {"/srv:/pub"};
  auto mount = [&](int parent, const char* point, const char* type, const char* place,
                   const char* root = "") {
    image->file_systems.push_back(std::make_unique<image::FileSystemT>());
    image->file_systems.back()->type = type;
    image->file_systems.back()->place = place;
    image->mounts.push_back(std::make_unique<image::MountT>());
    image::MountT& made = *image->mounts.back();
    made.parent = parent;
    made.point = point;
    made.root = root;
    made.file_system = static_cast<int>(image->file_systems.size()) - 1;
  };
  image->mounts.push_back(std::make_unique<image::MountT>());
  image->mounts.back()->kind = image::MountKind::kept;
  image->mounts.back()->point = "/";
  mount(0, "mnt", "tmpfs", "");
  mount(1, "pub", "ext4", "/pub", "sub");
  mount(0, "pub/mem", "tmpfs", "");
  mount(0, "p", "proc", "");
  EXPECT_EQ(verdict_of_path(image, "/mnt/x"), "duplicate: in a file system in memory");
  EXPECT_EQ(verdict_of_path(image, "/mnt/pub/x"), "share: the host's (run -v)");
  EXPECT_EQ(verdict_of_path(image, "/pub/mem/x"), "duplicate: in a file system in memory");
  EXPECT_EQ(verdict_of_path(image, "/p/x"), "virtualise: its name is unique on a system");
  EXPECT_EQ(verdict_of_path(image, "/mnt2"), "cow: in the private layer");
  image.keep("mounts/0/dir/f");
  const Classified all = image.classified();
  EXPECT_EQ(verdict(all, "private file", "/mnt/dir/f"), "duplicate: in a file system in memory");
}

TEST(Places, PrivateFilesHaveTheNamesThatTheApplicationKnows) {
  SmallImage image;
  image.rules("REDIR PATH \"/data\" TO \"/own/<APPL-ID>\" CREATE");
  image.keep("layers/root/own/web/f");
  image.keep("layers/root/etc", 040755);
  image.keep("layers/at%srv%data/x");
  image.keep("shm/x");
  image.keep("dev/own");
  std::vector<std::string> names;
  const Classified all = image.classified();
  for (const Record& record : all.records)
    if (record.type == "private file") names.push_back(record.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"/data/f", "/etc", "/srv/data/x", "/dev/shm/x", "/dev/own"}));
}

TEST(Places, FilesInAPlaceThatEachCloneHasElsewhereAreNotFoundThere) {
  SmallImage image;
  image.rules("REDIR PATH \"/data\" TO \"/own/<INSTANCE>\" CREATE");
  image.keep("layers/root/own/web/f");
  image.keep("layers/root/own/other");
  const Classified all = image.classified();
  EXPECT_EQ(verdict(all, "private file", "/data/f"), "virtualise: led elsewhere (rules:1:1)");
  EXPECT_EQ(verdict(all, "private file", "/own/other"), "cow: in the private layer");
  EXPECT_TRUE(all.obstacles.empty());
}

TEST(Places, ALockForWritingOnWhatIsTheHostsIsInTheWay) {
  SmallImage image;
  image.options()["public_paths"] = {"/srv:/pub"};
  for (auto [path, type] : {std::pair("/pub/read", F_RDLCK), std::pair("/srv/own", F_WRLCK)}) {
    image.open_path(path).locks.push_back(std::make_unique<image::LockT>());
    image->open_files.back()->locks.back()->type = type;
  }
  Classified all = image.classified();
  EXPECT_EQ(verdict(all, "lock", "/pub/read"), "share: the host's (run -v)");
  EXPECT_EQ(verdict(all, "lock", "/srv/own"), "duplicate: an object of the application");
  EXPECT_TRUE(all.obstacles.empty());

  image.open_path("/pub/write");
  image.process().descriptors.back()->locks.push_back(std::make_unique<image::LockT>());
  image.process().descriptors.back()->locks.back()->type = F_WRLCK;
  EXPECT_NE(obstacle_in(image.classified()).find("lock /pub/write (process 2, descriptor 2)"),
            std::string::npos);
}

TEST(Places, SocketsAndFullPipesAtPathsOfTheHostAreInTheWay) {
  SmallImage image;
  image.options()["public_paths"] = {"/srv:/pub"};
  image->pipes.push_back(std::make_unique<image::PipeBufferT>());
  auto fifo = [&](const char* path) {
    image::NamedPipeT pipe;
    pipe.name = file_name(path, S_IFIFO | 0600);
    image.open(std::move(pipe));
  };
  fifo("/pub/fifo");
  EXPECT_EQ(verdict(image.classified(), "named pipe"), "share: the host's (run -v)");
  EXPECT_TRUE(image.classified().obstacles.empty());
  image->pipes.back()->data = {'x'};
  EXPECT_NE(obstacle_in(image.classified()).find("holds 1 byte"), std::string::npos);
  image->pipes.back()->data.clear();

  image::UnixSocketT socket;
  socket.name = {'s'};
  socket.file = file_name("/pub/s", S_IFSOCK | 0600);
  image.open(std::move(socket));
  EXPECT_NE(obstacle_in(image.classified()).find("is found at /pub/s"), std::string::npos);
}

}  // namespace
}  // namespace appshot::templates
