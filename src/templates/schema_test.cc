// That nothing which an image can hold is left without a class, nor without a line in the document.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "image/rich_image_for_test.h"
#include "templates/classify.h"

namespace appshot::templates {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(std::string(APPSHOT_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// The fields of a table in a schema.
std::set<std::string> fields_of(const std::string& schema, const std::string& table) {
  const std::string text = text_of("src/image/schema/" + schema);
  const size_t start = text.find("table " + table + " {");
  EXPECT_NE(start, text.npos);
  std::string body;
  bool in_comment = false;
  for (size_t i = text.find('{', start) + 1; text[i] != '}'; ++i) {
    in_comment = (in_comment && text[i] != '\n') || text.compare(i, 2, "//") == 0;
    if (!in_comment) body += text[i];
  }
  std::set<std::string> fields;
  std::istringstream statements(body);
  for (std::string one; std::getline(statements, one, ';');) {
    const size_t colon = one.find(':');
    if (colon == one.npos) continue;
    const size_t first = one.find_first_not_of(" \n");
    fields.insert(one.substr(first, colon - first));
  }
  return fields;
}

// Fields that are resources, with the type of their records; and those that are none by themselves,
// with why.
using Known = std::map<std::string, std::string>;

constexpr const char* kOfImage = "-of the image itself";
constexpr const char* kContent = "-the content of what refers to it";
constexpr const char* kPart = "-part of the process";

const Known kImageFields{
    {"version", kOfImage},
    {"id", kOfImage},
    {"aid", "application id"},
    {"created_ms", kOfImage},
    {"parent", kOfImage},
    {"argv", kOfImage},
    {"options", "-how it was launched: read_launch"},
    {"share", "shared part"},
    {"host_name", "host name"},
    {"domain_name", "host name"},
    {"clock_monotonic", "clocks"},
    {"clock_boottime", "clocks"},
    {"machine", kOfImage},
    {"processes", "process"},
    {"open_files", "regular file"},
    {"pipes", kContent},
    {"ghosts", kContent},
    {"mapped_files", "memory"},
    {"shared_memory", "sysv shm"},
    {"sysv_shm", "sysv shm"},
    {"sysv_sem", "sysv sem"},
    {"sysv_queues", "sysv queue"},
    {"message_queues", "message queue"},
    {"private_files", "private file"},
    {"terminals", "terminal state"},
    {"unowned_tcp", "tcp connection"},
    {"ended_tcp", "ended tcp connections"},
    {"namespaces", "namespace"},
    {"networks", "network"},
    {"network_cables", "network cable"},
    {"file_systems", "file system"},
    {"mounts", "mount"},
    {"pages_block", kOfImage},
    {"pages", kContent},
    {"is_template", "-what the image is kept for"},
    {"expected_files", "-of files that are open or mapped what they have to be"},
};

const Known kProcessFields{
    {"pid", "process"},
    {"parent", "process"},
    {"group", "process"},
    {"session", "process"},
    {"nested_ids", "process"},
    {"nested_groups", "process"},
    {"nested_sessions", "process"},
    {"state", kPart},
    {"exit_status", kPart},
    {"stop_signal", kPart},
    {"stop_reported", kPart},
    {"exit_signal", kPart},
    {"ended_user", kPart},
    {"ended_group", kPart},
    {"name", kPart},
    {"threads", "thread"},
    {"address_space", "memory"},
    {"descriptors", "regular file"},
    {"cwd", "working folder"},
    {"root", "root folder"},
    {"umask", kPart},
    {"actions", kPart},
    {"pending", kPart},
    {"interval_timers", "interval timer"},
    {"posix_timers", "posix timer"},
    {"limits", kPart},
    {"personality", kPart},
    {"dumpable", kPart},
    {"subreaper", kPart},
    {"memory_error_policy", kPart},
    {"oom_score_adj", kPart},
    {"memory_barriers", kPart},
    {"deny_write_execute", kPart},
    {"maker", kPart},
    {"shares_memory", kPart},
    {"shares_descriptors", kPart},
    {"shares_folders", kPart},
    {"shares_actions", kPart},
    {"namespaces", "namespace"},
    {"space_of_children", kPart},
    {"continued_children", kPart},
};

const Known kOpenFileFields{{"kind", "regular file"},        {"flags", "-part of the file"},
                            {"offset", "-part of the file"}, {"owner", "-part of the file"},
                            {"network", "network"},          {"locks", "lock"}};

image::ImageT whole_image() {
  image::ImageT image = image::rich_image();
  image.processes.front()->interval_timers.front() =
      image::IntervalTimer(image::Time(1, 0), image::Time(0, 0));
  return image;
}

void expect_classes(const std::string& schema, const std::string& table, const Known& known) {
  std::set<std::string> types;
  const Classified all = classify(whole_image()).value();
  for (const Record& record : all.records) types.insert(record.type);
  const std::set<std::string> fields = fields_of(schema, table);
  for (const std::string& field : fields)
    EXPECT_TRUE(known.contains(field)) << table << "." << field << " has no class";
  for (const auto& [field, type] : known) {
    EXPECT_TRUE(fields.contains(field)) << table << "." << field << " is not in the schema";
    EXPECT_TRUE(type.starts_with('-') || types.contains(type)) << table << "." << field;
  }
}

TEST(Schema, EverythingInAnImageHasAClass) {
  expect_classes("image.fbs", "Image", kImageFields);
  expect_classes("process.fbs", "Process", kProcessFields);
  expect_classes("files.fbs", "OpenFile", kOpenFileFields);
}

// "type | class | criterion" of each line of the table.
std::set<std::string> documented() {
  std::set<std::string> rows;
  std::istringstream lines(text_of("docs/templates.md"));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("| ") && line.ends_with(" |"))
      rows.insert(line.substr(2, line.size() - 4));
  return rows;
}

TEST(Schema, TheDocumentHasEveryClass) {
  const std::set<std::string> rows = documented();
  for (const char* part : {"", "net", "ipc", "fs", "uts", "time"}) {
    image::ImageT image = whole_image();
    image.share.clear();
    if (*part != '\0') image.share.emplace_back(part);
    image.options = R"({"ports": ["80:80"], "address": "198.18.0.2", "root": 100000,
                        "public_paths": ["/srv:/srv"], "environment": {"name": "tools"}})";
    Result<Classified> all = classify(image);
    ASSERT_TRUE(all) << all.error().message();
    for (const Record& record : all->records) {
      const std::string by = record.by.substr(0, record.by.find(" ("));
      const std::string row = record.type + " | " + std::string(name_of(record.cls)) + " | " + by;
      EXPECT_TRUE(rows.contains(row)) << row;
    }
  }
}

TEST(Schema, TheApiIsDescribedAsItIs) {
  const Json api = parse_json(text_of("docs/openapi.json")).value();
  const Json& described = api["components"]["schemas"]["Record"]["properties"];
  const Json records =
      records_to_json({{"type", "name", 2, 3, Class::cow, "by", 4, "detail"}, {"type", "name"}});
  std::set<std::string> names, given;
  for (const auto& [name, value] : described.items()) names.insert(name);
  for (const auto& [name, value] : records[0].items()) given.insert(name);
  EXPECT_EQ(given, names);
  EXPECT_FALSE(records[1].contains("process"));
  EXPECT_FALSE(records[1].contains("descriptor"));

  std::set<std::string> classes;
  for (Class cls : {Class::share, Class::cow, Class::duplicate, Class::virtualise, Class::multiplex,
                    Class::allocate})
    classes.emplace(name_of(cls));
  EXPECT_EQ(classes, described["class"]["enum"].get<std::set<std::string>>());
}

}  // namespace
}  // namespace appshot::templates
