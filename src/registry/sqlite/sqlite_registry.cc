#include "registry/sqlite/sqlite_registry.h"

#include <mutex>

#include "registry/sqlite/database.h"
#include "registry/sqlite/rows.h"
#include "registry/sqlite/schema.h"

namespace appshot {
namespace {

constexpr int kAidAttemptsMax = 1000;
// Old events are dropped this many at a time, not one with each new one.
constexpr int64_t kEventsTrimmedEvery = 256;

Error no_instance(const std::string& aid) {
  return Error(ErrorClass::not_found, "there is no instance " + aid).hint("see appshot ps -a");
}

Error no_snapshot(const std::string& id) {
  return Error(ErrorClass::not_found, "there is no snapshot or template " + id)
      .hint("see appshot snapshots and appshot templates");
}

Error no_lease(const std::string& address) {
  return Error(ErrorClass::not_found, "nobody has the address " + address);
}

Error no_environment(const std::string& name) {
  return Error(ErrorClass::not_found, "there is no environment " + name).hint("see appshot env ls");
}

// The one row of those a prefix matches.
template <typename Record>
Result<Record> only_one(std::vector<Record> matches, const std::string& prefix, Error none) {
  if (matches.empty()) return none;
  if (matches.size() > 1)
    return Error(ErrorClass::usage, "'" + prefix + "' is the beginning of more than one id");
  return std::move(matches.front());
}

class SqliteRegistry : public Registry {
 public:
  SqliteRegistry(Database db, int64_t events_max) : db_(std::move(db)), events_max_(events_max) {}

  Result<std::string> create_instance(InstanceRecord record, const AidWish& wish) override {
    std::lock_guard lock(mutex_);
    if (wish.kind == AidWish::Kind::given) TRY(check_aid(wish.text));
    record.generated = wish.kind == AidWish::Kind::generated;
    for (int attempt = 1; attempt <= kAidAttemptsMax; ++attempt) {
      record.aid = wish.kind == AidWish::Kind::given     ? wish.text
                   : wish.kind == AidWish::Kind::derived ? derive_aid(wish.text, attempt)
                                                         : generate_aid();
      // The primary key decides: one statement, so two callers never get the same AID.
      auto inserted = bind_instance(db_.prepare(kInsertInstance), record).run();
      if (inserted) return record.aid;
      if (inserted.error().cls() != ErrorClass::conflict) return inserted.take_error();
      if (wish.kind == AidWish::Kind::given)
        return Error(ErrorClass::conflict, "the application id " + wish.text + " is taken")
            .hint("choose another name, or remove it first: appshot rm " + wish.text);
    }
    return Error(ErrorClass::exhausted, "no free application id found");
  }

  Result<> update_instance(const InstanceRecord& record) override {
    std::lock_guard lock(mutex_);
    TRY(bind_instance(db_.prepare(kUpdateInstance), record).run());
    if (db_.changes() == 0) return no_instance(record.aid);
    return {};
  }

  Result<> remove_instance(const std::string& aid) override {
    std::lock_guard lock(mutex_);
    TRY(db_.prepare("DELETE FROM instances WHERE aid=?1").bind(aid).run());
    if (db_.changes() == 0) return no_instance(aid);
    return {};
  }

  Result<InstanceRecord> instance(const std::string& name) override {
    std::lock_guard lock(mutex_);
    auto exact = TRY(read_instances(db_.prepare(kInstanceByAid).bind(name)));
    if (!exact.empty()) return std::move(exact.front());
    if (name.empty()) return no_instance(name);
    auto matches = TRY(read_instances(db_.prepare(kInstancesByPrefix).bind(name)));
    return only_one(std::move(matches), name, no_instance(name));
  }

  Result<std::vector<InstanceRecord>> instances() override {
    std::lock_guard lock(mutex_);
    return read_instances(db_.prepare(kAllInstances));
  }

  Result<> add_snapshot(const SnapshotRecord& record) override {
    std::lock_guard lock(mutex_);
    auto added = bind_snapshot(db_.prepare(kInsertSnapshot), record).run();
    if (added || added.error().cls() != ErrorClass::conflict) return added;
    return Error(ErrorClass::conflict, "a snapshot or template " +
                                           (record.name.empty() ? record.id : record.name) +
                                           " exists already")
        .hint("choose another name, or remove that one (appshot snapshot-rm, template-rm)");
  }

  Result<> update_snapshot(const SnapshotRecord& record) override {
    std::lock_guard lock(mutex_);
    TRY(bind_snapshot(db_.prepare(kUpdateSnapshot), record).run());
    if (db_.changes() == 0) return no_snapshot(record.id);
    return {};
  }

  Result<> mark_durable(const std::string& id) override {
    std::lock_guard lock(mutex_);
    TRY(db_.prepare("UPDATE snapshots SET durable=1 WHERE id=?1").bind(id).run());
    return db_.changes() == 1 ? Result<>() : no_snapshot(id);
  }

  Result<> remove_snapshot(const std::string& id) override {
    std::lock_guard lock(mutex_);
    TRY(db_.prepare("DELETE FROM snapshots WHERE id=?1").bind(id).run());
    if (db_.changes() == 0) return no_snapshot(id);
    return {};
  }

  Result<SnapshotRecord> snapshot(const std::string& name) override {
    std::lock_guard lock(mutex_);
    if (name.empty()) return no_snapshot(name);
    auto exact = TRY(read_snapshots(db_.prepare(kSnapshotByIdOrName).bind(name)));
    if (!exact.empty()) return std::move(exact.front());
    auto matches = TRY(read_snapshots(db_.prepare(kSnapshotsByPrefix).bind(name)));
    return only_one(std::move(matches), name, no_snapshot(name));
  }

  Result<std::vector<SnapshotRecord>> snapshots() override {
    std::lock_guard lock(mutex_);
    return read_snapshots(db_.prepare(kAllSnapshots));
  }

  Result<> add_lease(const LeaseRecord& record) override {
    std::lock_guard lock(mutex_);
    auto added = bind_lease(db_.prepare(kInsertLease), record).run();
    if (added || added.error().cls() != ErrorClass::conflict) return added;
    return Error(ErrorClass::conflict, "the address " + record.address + " is taken");
  }

  Result<> update_lease(const LeaseRecord& record) override {
    std::lock_guard lock(mutex_);
    TRY(bind_lease(db_.prepare(kUpdateLease), record).run());
    return db_.changes() == 1 ? Result<>() : no_lease(record.address);
  }

  Result<> remove_lease(const std::string& address) override {
    std::lock_guard lock(mutex_);
    TRY(db_.prepare("DELETE FROM leases WHERE address=?1").bind(address).run());
    return db_.changes() == 1 ? Result<>() : no_lease(address);
  }

  Result<std::vector<LeaseRecord>> leases() override {
    std::lock_guard lock(mutex_);
    return read_leases(db_.prepare(kAllLeases));
  }

  Result<> add_environment(const EnvironmentRecord& record) override {
    std::lock_guard lock(mutex_);
    auto added = bind_environment(db_.prepare(kInsertEnvironment), record).run();
    if (added || added.error().cls() != ErrorClass::conflict) return added;
    return Error(ErrorClass::conflict, "an environment " + record.name + " exists already")
        .hint("choose another name, or remove that one: appshot env rm " + record.name);
  }

  Result<> update_environment(const EnvironmentRecord& record) override {
    std::lock_guard lock(mutex_);
    TRY(bind_environment(db_.prepare(kUpdateEnvironment), record).run());
    return db_.changes() == 1 ? Result<>() : no_environment(record.name);
  }

  Result<> remove_environment(const std::string& name) override {
    std::lock_guard lock(mutex_);
    TRY(db_.prepare("DELETE FROM environments WHERE name=?1").bind(name).run());
    return db_.changes() == 1 ? Result<>() : no_environment(name);
  }

  Result<EnvironmentRecord> environment(const std::string& name) override {
    std::lock_guard lock(mutex_);
    auto found = TRY(read_environments(db_.prepare(kEnvironmentByName).bind(name)));
    if (found.empty()) return no_environment(name);
    return std::move(found.front());
  }

  Result<std::vector<EnvironmentRecord>> environments() override {
    std::lock_guard lock(mutex_);
    return read_environments(db_.prepare(kAllEnvironments));
  }

  Result<std::string> setting(const std::string& name) override {
    std::lock_guard lock(mutex_);
    Statement statement = db_.prepare("SELECT value FROM settings WHERE name=?1").bind(name);
    return TRY(statement.step()) ? statement.next_text() : std::string();
  }

  Result<> set_setting(const std::string& name, const std::string& value) override {
    std::lock_guard lock(mutex_);
    return db_
        .prepare(
            "INSERT INTO settings (name, value) VALUES (?1,?2) "
            "ON CONFLICT (name) DO UPDATE SET value=?2")
        .bind(name)
        .bind(value)
        .run();
  }

  Result<int64_t> append_event(const EventRecord& event) override {
    std::lock_guard lock(mutex_);
    TRY(bind_event(db_.prepare(kInsertEvent), event).run());
    int64_t seq = db_.last_row();
    if (seq % kEventsTrimmedEvery == 0)
      TRY(db_.prepare("DELETE FROM events WHERE seq<=?1").bind(seq - events_max_).run());
    return seq;
  }

  Result<std::vector<EventRecord>> events(int64_t after, int64_t limit,
                                          const std::string& aid) override {
    std::lock_guard lock(mutex_);
    if (aid.empty()) return read_events(db_.prepare(kNewestEvents).bind(after).bind(limit));
    return read_events(db_.prepare(kNewestEventsOf).bind(after).bind(limit).bind(aid));
  }

 private:
  std::mutex mutex_;
  Database db_;
  const int64_t events_max_;
};

}  // namespace

Result<std::unique_ptr<Registry>> open_sqlite_registry(const std::string& path,
                                                       int64_t events_max) {
  Database db = TRY(Database::open(path));
  TRY(migrate(db).within(path));
  return std::unique_ptr<Registry>(new SqliteRegistry(std::move(db), events_max));
}

}  // namespace appshot
