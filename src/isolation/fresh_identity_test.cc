#include "isolation/fresh_identity.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "os/file.h"
#include "os/folder_for_test.h"

namespace appshot {
namespace {

constexpr char kRsa[] =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ";  // and what follows, as long as of 3072 bits

std::string rsa_of(size_t base64_digits, const std::string& rest) {
  std::string line = kRsa;
  line.append(base64_digits - (line.size() - sizeof "ssh-rsa" + 0) - 1, 'A');
  return line + "=" + rest;
}

class FreshIdentity : public testing::Test {
 protected:
  void SetUp() override {
    Result<UniqueFd> opened = open_file(root_, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ASSERT_TRUE(opened);
    opened_ = std::move(*opened);
  }

  void put(const std::string& path, const std::string& content, mode_t mode = 0644) {
    const std::string file = root_ + path;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    ASSERT_TRUE(write_file(file, content, O_CREAT | O_TRUNC));
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
  }
  std::string get(const std::string& path) { return read_file(root_ + path).value_or("none"); }
  std::vector<HostKey> give() {
    Result<std::vector<HostKey>> taken = give_fresh_identity(opened_.get(), false);
    EXPECT_TRUE(taken) << taken.error().message();
    return taken ? *taken : std::vector<HostKey>();
  }

  FolderForTest folder_;
  const std::string root_ = folder_.path();
  UniqueFd opened_;
};

TEST_F(FreshIdentity, IsNotMadeWhereThereIsNone) {
  EXPECT_TRUE(give().empty());
  EXPECT_TRUE(std::filesystem::is_empty(root_));
}

TEST_F(FreshIdentity, HasOneMachineIdInBothFiles) {
  const std::string old(32, 'a');
  put("/etc/machine-id", old + "\n", 0444);
  put("/var/lib/dbus/machine-id", old + "\n");
  give();
  EXPECT_NE(get("/etc/machine-id"), old + "\n");
  EXPECT_EQ(get("/etc/machine-id").size(), 33);
  EXPECT_EQ(get("/etc/machine-id").back(), '\n');
  EXPECT_EQ(get("/etc/machine-id"), get("/var/lib/dbus/machine-id"));
  struct stat info {};
  ASSERT_EQ(::stat((root_ + "/etc/machine-id").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0444);
}

TEST_F(FreshIdentity, LeavesAMachineIdThatIsToBeMade) {
  put("/etc/machine-id", "uninitialized\n");
  put("/var/lib/dbus/machine-id", "");
  give();
  EXPECT_EQ(get("/etc/machine-id"), "uninitialized\n");
  EXPECT_EQ(get("/var/lib/dbus/machine-id"), "");
}

TEST_F(FreshIdentity, FollowsALinkBelowItsRootOnly) {
  put("/etc/machine-id", std::string(32, 'b'));
  std::filesystem::create_directories(root_ + "/var/lib/dbus");
  std::filesystem::create_symlink("/etc/machine-id", root_ + "/var/lib/dbus/machine-id");
  const std::string host = read_file("/etc/machine-id").value_or("");
  give();
  EXPECT_EQ(read_file("/etc/machine-id").value_or(""), host);
  EXPECT_NE(get("/etc/machine-id"), std::string(32, 'b'));
}

TEST_F(FreshIdentity, HasOtherSeedsOfTheSameLength) {
  const std::string old(512, 's');
  put("/var/lib/systemd/random-seed", old, 0600);
  put("/var/lib/urandom/random-seed", "");
  give();
  EXPECT_NE(get("/var/lib/systemd/random-seed"), old);
  EXPECT_EQ(get("/var/lib/systemd/random-seed").size(), old.size());
  EXPECT_EQ(get("/var/lib/urandom/random-seed"), "");
}

TEST_F(FreshIdentity, TakesHostKeysAwayAndTellsWhichTheyWere) {
  put("/etc/ssh/ssh_host_ed25519_key", "secret", 0600);
  put("/etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAA root@here\n");
  put("/etc/ssh/ssh_host_odd_key", "secret", 0600);
  put("/etc/ssh/sshd_config", "Port 22\n");
  std::vector<HostKey> taken = give();
  std::ranges::sort(taken, {}, &HostKey::path);
  ASSERT_EQ(taken.size(), 2);
  EXPECT_EQ(taken[0], (HostKey{"/etc/ssh/ssh_host_ed25519_key", "ed25519", 0, "root@here"}));
  EXPECT_EQ(taken[1], (HostKey{"/etc/ssh/ssh_host_odd_key", "", 0, ""}));
  EXPECT_EQ(get("/etc/ssh/ssh_host_ed25519_key"), "none");
  EXPECT_EQ(get("/etc/ssh/ssh_host_ed25519_key.pub"), "none");
  EXPECT_EQ(get("/etc/ssh/sshd_config"), "Port 22\n");
}

TEST(HostKeys, AreOfTheSameTypeAndLength) {
  const HostKey rsa = parse_host_key("k", rsa_of(544, " root@here"));
  EXPECT_EQ(rsa.type, "rsa");
  EXPECT_EQ(rsa.bits, 3072);
  EXPECT_EQ(rsa.comment, "root@here");
  EXPECT_EQ(parse_host_key("k", "ecdsa-sha2-nistp384 AAAA me"), (HostKey{"k", "ecdsa", 384, "me"}));
  EXPECT_EQ(parse_host_key("k", "something else"), (HostKey{"k", "", 0, ""}));
}

}  // namespace
}  // namespace appshot
