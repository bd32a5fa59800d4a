#include "registry/sqlite/sqlite_registry.h"

#include <unistd.h>

#include <filesystem>

#include "registry/registry_conformance.h"
#include "registry/sqlite/database.h"

namespace appshot {
namespace {

namespace fs = std::filesystem;

// A folder of its own for each test.
std::string fresh_file() {
  static int count = 0;
  fs::path folder = fs::temp_directory_path() / ("appshot-registry-" + std::to_string(::getpid()) +
                                                 "-" + std::to_string(count++));
  fs::create_directories(folder);
  return folder / "registry.db";
}

std::unique_ptr<Registry> open_fresh() {
  std::string path = fresh_file();
  auto registry = open_sqlite_registry(path, 300);
  EXPECT_TRUE(registry) << registry.error().message();
  fs::remove_all(fs::path(path).parent_path());  // the open descriptors keep it alive
  return std::move(registry).value();
}

INSTANTIATE_TEST_SUITE_P(Sqlite, RegistryConformance, testing::Values(open_fresh));

struct SqliteRegistryTest : testing::Test {
  ~SqliteRegistryTest() override { fs::remove_all(fs::path(path).parent_path()); }
  std::string path = fresh_file();
};

TEST_F(SqliteRegistryTest, KeepsItsContentWhenOpenedAgain) {
  {
    auto registry = open_sqlite_registry(path);
    ASSERT_TRUE((*registry)->create_instance({}, {AidWish::Kind::given, "web"}));
  }
  auto registry = open_sqlite_registry(path);
  ASSERT_TRUE(registry);
  EXPECT_TRUE((*registry)->instance("web"));
}

TEST_F(SqliteRegistryTest, TakesOverWhatTheFirstVersionHasWritten) {
  SnapshotRecord record;
  record.id = "0123456789ab";
  ASSERT_TRUE((*open_sqlite_registry(path))->add_snapshot(record));
  {
    auto db = Database::open(path);
    ASSERT_TRUE(
        db->execute("DROP TABLE leases; DROP TABLE settings; DROP TABLE environments;"
                    "ALTER TABLE snapshots DROP COLUMN durable;"
                    "ALTER TABLE snapshots DROP COLUMN is_template;"
                    "ALTER TABLE snapshots DROP COLUMN warm; PRAGMA user_version = 1"));
  }
  auto registry = open_sqlite_registry(path);
  ASSERT_TRUE(registry) << registry.error().message();
  record.durable = true;  // the first version answered no earlier
  EXPECT_EQ((*registry)->snapshot(record.id).value(), record);
}

TEST_F(SqliteRegistryTest, RefusesWhatANewerVersionHasWritten) {
  {
    auto db = Database::open(path);
    ASSERT_TRUE(db->execute("PRAGMA user_version = 99"));
  }
  auto registry = open_sqlite_registry(path);
  ASSERT_FALSE(registry);
  EXPECT_EQ(registry.error().cls(), ErrorClass::mismatch);
}

TEST_F(SqliteRegistryTest, ReportsAFileThatIsNoRegistry) {
  FILE* file = std::fopen(path.c_str(), "w");
  for (int i = 0; i < 1000; ++i) std::fputs("this is no database\n", file);
  std::fclose(file);
  auto registry = open_sqlite_registry(path);
  ASSERT_FALSE(registry);
  EXPECT_EQ(registry.error().cls(), ErrorClass::corrupt);
}

TEST_F(SqliteRegistryTest, ReportsALockInsteadOfHanging) {
  auto registry = open_sqlite_registry(path);
  ASSERT_TRUE(registry);
  auto other = Database::open(path);
  ASSERT_TRUE(other->execute("BEGIN EXCLUSIVE"));
  auto created = (*registry)->create_instance({}, {AidWish::Kind::given, "web"});
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().cls(), ErrorClass::timeout);
  EXPECT_NE(created.error().message().find("locked"), std::string::npos);
}

}  // namespace
}  // namespace appshot
