#include "registry/sqlite/database.h"

namespace appshot {
namespace {

constexpr int kBusyTimeoutMs = 3000;
// Read pages are kept in memory up to this: the events alone would fill sqlite's usual 2 MiB.
constexpr const char* kCacheSize = "PRAGMA cache_size=-256";

Error failure(sqlite3* db, int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error(ErrorClass::timeout, "the registry is locked by another process")
          .hint("end what else has its file open (a copy, a sqlite3 shell), then try again");
    case SQLITE_CONSTRAINT:
      return Error(ErrorClass::conflict, "already in the registry");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error(ErrorClass::corrupt, "the registry's file is damaged");
    case SQLITE_FULL:
      return Error(ErrorClass::exhausted, "no space left for the registry");
    default:
      return Error(ErrorClass::other, std::string("registry: ") + sqlite3_errmsg(db));
  }
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : db_(other.db_),
      statement_(std::exchange(other.statement_, nullptr)),
      prepare_code_(other.prepare_code_),
      bound_(other.bound_),
      column_(other.column_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement&& Statement::bind(int64_t value) && {
  sqlite3_bind_int64(statement_, ++bound_, value);
  return std::move(*this);
}

Statement&& Statement::bind(double value) && {
  sqlite3_bind_double(statement_, ++bound_, value);
  return std::move(*this);
}

Statement&& Statement::bind(std::string_view value) && {
  // A null pointer would bind NULL.
  const char* text = value.data() == nullptr ? "" : value.data();
  sqlite3_bind_text(statement_, ++bound_, text, static_cast<int>(value.size()), SQLITE_TRANSIENT);
  return std::move(*this);
}

Statement&& Statement::bind_null() && {
  sqlite3_bind_null(statement_, ++bound_);
  return std::move(*this);
}

Result<bool> Statement::step() {
  if (statement_ == nullptr) return failure(db_, prepare_code_);
  column_ = 0;
  int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return failure(db_, code);
}

Result<> Statement::run() && {
  TRY(step());
  return {};
}

int64_t Statement::next_int() { return sqlite3_column_int64(statement_, column_++); }
double Statement::next_double() { return sqlite3_column_double(statement_, column_++); }

std::string Statement::next_text() {
  int column = column_++;
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return "";
  return {reinterpret_cast<const char*>(text),
          static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::next_is_null() { return sqlite3_column_type(statement_, column_) == SQLITE_NULL; }

Result<Database> Database::open(const std::string& path) {
  sqlite3* handle = nullptr;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database db(handle);
  if (code != SQLITE_OK) return failure(handle, code).within(path);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  // WAL with NORMAL: no fsync per change; after a power cut the newest changes may be missing, and
  // the daemon finds such snapshots again in their folders.
  TRY(db.execute("PRAGMA journal_mode=WAL").within(path));
  TRY(db.execute("PRAGMA synchronous=NORMAL").within(path));
  TRY(db.execute(kCacheSize).within(path));
  return db;
}

Result<> Database::execute(const char* sql) {
  int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(db_.get(), code);
  return {};
}

Statement Database::prepare(const char* sql) {
  auto& cached = statements_[sql];
  if (!cached) {
    sqlite3_stmt* fresh = nullptr;
    int code = sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &fresh, nullptr);
    if (code != SQLITE_OK) return Statement(db_.get(), nullptr, code);
    cached.reset(fresh);
  }
  return Statement(db_.get(), cached.get());
}

Result<Transaction> Transaction::begin(Database& db) {
  TRY(db.execute("BEGIN IMMEDIATE"));
  return Transaction(db);
}

Transaction::~Transaction() {
  // A rollback that fails has nothing to roll back.
  if (db_ != nullptr) (void)db_->execute("ROLLBACK");
}

Result<> Transaction::commit() {
  TRY(db_->execute("COMMIT"));
  db_ = nullptr;
  return {};
}

}  // namespace appshot
