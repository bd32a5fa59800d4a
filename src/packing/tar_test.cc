// Reader and writer, against one another and against headers as other programs write them.
#include <gtest/gtest.h>

#include <cstring>

#include "packing/bytes_for_test.h"
#include "packing/pax_time.h"
#include "packing/tar_reader.h"
#include "packing/tar_writer.h"

namespace appshot::packing {
namespace {

std::string written(const std::vector<std::pair<Entry, std::string>>& entries) {
  BytesSink sink;
  TarWriter writer(sink);
  for (const auto& [entry, content] : entries) {
    EXPECT_TRUE(writer.begin_entry(entry));
    EXPECT_TRUE(writer.content(content));
    EXPECT_TRUE(writer.end_entry());
  }
  EXPECT_TRUE(writer.end_archive());
  return sink.bytes();
}

Result<std::vector<std::pair<Entry, std::string>>> read_back(const std::string& bytes,
                                                             size_t piece = SIZE_MAX) {
  BytesSource source(bytes, piece);
  TarReader reader(source);
  std::vector<std::pair<Entry, std::string>> entries;
  for (;;) {
    std::optional<Entry> entry = TRY(reader.next());
    if (!entry) return entries;
    std::string content = TRY(read_all(reader));
    entries.emplace_back(std::move(*entry), std::move(content));
  }
}

Entry file(const std::string& path, uint64_t size = 0) {
  Entry entry;
  entry.path = path;
  entry.mode = 04755;
  entry.size = size;
  return entry;
}

tar::Header plain_header(char type) {
  tar::Header header{};
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.name, "name", 4);
  tar::put_number(header.mode, 0644);
  tar::put_number(header.size, 0);
  tar::put_number(header.mtime, 1);
  header.type = type;
  return header;
}

std::string with_text(char type, const std::string& text) {
  tar::Header header = plain_header(type);
  tar::put_number(header.size, text.size());
  return tar::sealed(header) + text + std::string(tar::padding_of(text.size()), '\0');
}

TEST(Tar, ComesBackAsItWas) {
  Entry rich = file(std::string(150, 'p') + "/\xff\xfe", 5);
  rich.uid = 4'000'000'000;
  rich.gid = 3'000'000;
  rich.mtime = {1'700'000'000, 123'456'789};
  rich.xattrs = {{"user.empty", ""}, {"user.bytes", std::string("\0=\n\xff", 4)}};
  Entry early = file("early");
  early.mtime = {-2, 500'000'000};
  Entry link = file("link");
  link.kind = Kind::link;
  link.target = std::string(1000, 't');
  Entry device = file("device");
  device.kind = Kind::block;
  device.major = 259;
  device.minor = 300;
  std::vector<std::pair<Entry, std::string>> entries{
      {rich, "12345"}, {early, ""}, {link, ""}, {device, ""}};
  const std::string bytes = written(entries);
  EXPECT_EQ(bytes.size() % tar::kBlock, 0u);
  EXPECT_EQ(*read_back(bytes), entries);
  EXPECT_EQ(*read_back(bytes, 7), entries);
}

TEST(Tar, KeepsSparseFiles) {
  for (const std::vector<Extent>& extents :
       {std::vector<Extent>{}, {{0, 3}}, {{100'000, 4}, {1ULL << 40, 5}}}) {
    Entry entry = file(std::string(120, 's'), (1ULL << 40) + 100);
    entry.extents = extents;
    const std::vector<std::pair<Entry, std::string>> entries{
        {entry, std::string(bytes_of(entry), 'x')}, {file("after", 1), "y"}};
    EXPECT_EQ(*read_back(written(entries)), entries);
  }
}

TEST(Tar, TellsSizesThatDoNotFitTheOldHeader) {
  BytesSink sink;
  TarWriter writer(sink);
  ASSERT_TRUE(writer.begin_entry(file("large", 1ULL << 33)));
  BytesSource source(sink.bytes());
  TarReader reader(source);
  EXPECT_EQ((*reader.next())->size, 1ULL << 33);
}

TEST(Tar, FoldersEndInASlashOnlyInTheArchive) {
  Entry folder = file("folder");
  folder.kind = Kind::folder;
  Entry root = folder;
  root.path = "";
  EXPECT_EQ((*read_back(written({{folder, ""}})))[0].first.path, "folder/");
  EXPECT_EQ((*read_back(written({{root, ""}})))[0].first.path, "./");
}

TEST(Tar, ReadsWhatOthersWrite) {
  tar::Header old = plain_header('\0');
  std::memcpy(old.name, "folder/", 7);
  std::memset(old.magic, 0, sizeof old.magic);
  EXPECT_EQ((*read_back(tar::sealed(old)))[0].first.kind, Kind::folder);

  tar::Header prefixed = plain_header('0');
  std::memcpy(prefixed.prefix, "a/b", 3);
  EXPECT_EQ((*read_back(tar::sealed(prefixed)))[0].first.path, "a/b/name");

  tar::Header large = plain_header('5');
  std::memcpy(large.uid, "\x80\0\0\0\xee\x6b\x28\0", 8);
  EXPECT_EQ((*read_back(tar::sealed(large)))[0].first.uid, 4'000'000'000);

  const std::string gnu = with_text('L', std::string(300, 'n') + '\0') + with_text('K', "target") +
                          tar::sealed(plain_header('2'));
  EXPECT_EQ((*read_back(gnu))[0].first.path, std::string(300, 'n'));
  EXPECT_EQ((*read_back(gnu))[0].first.target, "target");

  EXPECT_EQ(
      read_back(with_text('g', "21 comment=something\n") + tar::sealed(plain_header('0')))->size(),
      1u);
}

TEST(Tar, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(
      read_back(with_text('g', "11 path=ab\n") + tar::sealed(plain_header('0'))).error().cls(),
      ErrorClass::unsupported);
  for (char type : {'S', 'M', 'V', 'D', 'Z'})
    EXPECT_EQ(read_back(tar::sealed(plain_header(type))).error().cls(), ErrorClass::unsupported)
        << type;
  EXPECT_EQ(read_back(with_text('x', "22 GNU.sparse.major=0\n") + tar::sealed(plain_header('0')))
                .error()
                .cls(),
            ErrorClass::unsupported);
}

TEST(Tar, IsCorruptWhenDamaged) {
  for (const char* records : {"99 a=b\n", "6 a=bc\n", "x a=b\n", "0 a=b\n", " a=b\n", "6 abc\n",
                              "5 =b\n", "18446744073709551617 a=b\n"})
    EXPECT_FALSE(read_back(with_text('x', records) + tar::sealed(plain_header('0')))) << records;
  tar::Header header = plain_header('0');
  std::memcpy(header.size, "9", 1);
  EXPECT_FALSE(read_back(tar::sealed(header)));
  std::string bytes = written({{file("a", 3), "abc"}});
  EXPECT_FALSE(read_back(bytes.substr(0, 514)));
  EXPECT_FALSE(read_back(bytes.substr(0, 100)));
  bytes[0] = 'b';
  EXPECT_FALSE(read_back(bytes));
  EXPECT_FALSE(read_back(with_text('x', "6 a=b\n"))) << "about an entry that never comes";
}

TEST(Tar, WritesNoDeviceOfAnotherNumber) {
  for (const auto& [major, minor] : {std::pair(8u << 21, 0u), std::pair(0u, 1u << 21)}) {
    BytesSink sink;
    TarWriter writer(sink);
    Entry device = file("device");
    device.kind = Kind::block;
    device.major = major;
    device.minor = minor;
    EXPECT_FALSE(writer.begin_entry(device));
  }
}

TEST(Tar, KnowsAnEndThatIsMarked) {
  const std::string bytes = written({{file("a"), ""}});
  const std::string zeros(tar::kBlock, '\0'), other(tar::kBlock, 'x');
  for (const std::string& end : {std::string(), zeros, zeros + other, zeros + zeros}) {
    BytesSource source(bytes.substr(0, tar::kBlock) + end);
    TarReader reader(source);
    ASSERT_TRUE(*reader.next());
    ASSERT_FALSE(*reader.next());
    EXPECT_EQ(reader.marked_end(), end == zeros + zeros);
  }
}

std::string with_records(const std::string& records, const tar::Header& header) {
  tar::Header before = plain_header('x');
  tar::put_number(before.size, records.size());
  return tar::sealed(before) + records + std::string(tar::padding_of(records.size()), '\0') +
         tar::sealed(header);
}

TEST(Tar, ReadsOfAFileNothingThatOnlyLinksHave) {
  tar::Header header = plain_header('0');
  std::memcpy(header.link, "else", 4);
  EXPECT_EQ((*read_back(tar::sealed(header)))[0].first.target, "");
}

TEST(Tar, RefusesNamesThatNoCallCouldTake) {
  for (const tar::PaxRecords& records :
       {tar::PaxRecords{{"linkpath", std::string("a\0b", 3)}},
        tar::PaxRecords{{"SCHILY.xattr." + std::string("user.a\0b", 8), "value"}},
        tar::PaxRecords{{"SCHILY.xattr.", "value"}}})
    EXPECT_FALSE(read_back(with_records(tar::pax_text(records), plain_header('2'))));
}

TEST(Tar, TellsOfAttributesInFormsThatAreNotRead) {
  const tar::PaxRecords records{{"SCHILY.acl.access", "user::rwx"},
                                {"LIBARCHIVE.xattr.user.a", "eA"},
                                {"LIBARCHIVE.xattr.user.b", "eA"},
                                {"SCHILY.xattr.user.b", "x"},
                                {"comment", "of no consequence"}};
  const auto entries = read_back(with_records(tar::pax_text(records), plain_header('0')));
  ASSERT_TRUE(entries);
  const std::map<std::string, std::string> told{
      {"SCHILY.acl.access", "user::rwx"}, {"LIBARCHIVE.xattr.user.a", "eA"}, {"user.b", "x"}};
  EXPECT_EQ((*entries)[0].first.xattrs, told);
}

TEST(Tar, HoldsSoMuchOfAllTheHeadersOfAnEntry) {
  tar::Header before = plain_header('x');
  std::string bytes;
  const std::string record = tar::pax_text({{"comment", std::string(1 << 20, 'c')}});
  tar::put_number(before.size, record.size());
  for (int i = 0; i < 20; ++i)
    bytes += tar::sealed(before) + record + std::string(tar::padding_of(record.size()), '\0');
  const auto entries = read_back(bytes + tar::sealed(plain_header('0')));
  ASSERT_FALSE(entries);
  EXPECT_EQ(entries.error().cls(), ErrorClass::exhausted);
}

TEST(TarTimes, AreReadAsTheyAreWritten) {
  for (const Time& time : {Time{0, 0}, Time{0, 1}, Time{-1, 0}, Time{-1, 1}, Time{-1, 999'999'999},
                           Time{5, 500'000'000}, Time{-86'400, 250'000'000}})
    EXPECT_EQ(parse_pax_time(pax_time(time)), time) << pax_time(time);
  EXPECT_EQ(pax_time({-1, 750'000'000}), "-0.250000000");
  EXPECT_EQ(parse_pax_time("1.5"), (Time{1, 500'000'000}));
  EXPECT_EQ(parse_pax_time("1.1234567899"), (Time{1, 123'456'789}));
  for (const char* text : {"", "-", ".5", "1.x", "1e3", "--1", "99999999999999999999"})
    EXPECT_FALSE(parse_pax_time(text)) << text;
}

}  // namespace
}  // namespace appshot::packing
