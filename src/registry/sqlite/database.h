// SQLite as this project uses it: Results instead of codes, statements that reset themselves.
//
// Threads: one at a time; the owner holds a lock around each use.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace appshot {

class Database;

// A prepared statement in use: bind in the order of its question marks, then step. Goes back to the
// database's cache when it goes out of scope.
class Statement {
 public:
  // A null statement stands for `code`, why it could not be prepared.
  Statement(sqlite3* db, sqlite3_stmt* statement, int code = 0)
      : db_(db), statement_(statement), prepare_code_(code) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement&& bind(int64_t value) &&;
  Statement&& bind(double value) &&;
  Statement&& bind(std::string_view value) &&;
  Statement&& bind_null() &&;

  // True: a row is there to be read. False: done.
  Result<bool> step();
  // For statements without rows.
  Result<> run() &&;

  // Columns are read in order, beginning with the first of the row.
  int64_t next_int();
  double next_double();
  std::string next_text();
  bool next_is_null();

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_;
  int prepare_code_;
  int bound_ = 0;
  int column_ = 0;
};

class Database {
 public:
  static Result<Database> open(const std::string& path);

  Result<> execute(const char* sql);
  // A statement that cannot be prepared reports it when it is stepped.
  Statement prepare(const char* sql);
  int64_t changes() const { return sqlite3_changes64(db_.get()); }
  int64_t last_row() const { return sqlite3_last_insert_rowid(db_.get()); }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  explicit Database(sqlite3* db) : db_(db) {}

  std::unique_ptr<sqlite3, Close> db_;
  // By the address of the SQL literal.
  std::map<const char*, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;
};

// A transaction that is rolled back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& db);
  Transaction(Transaction&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<> commit();

 private:
  explicit Transaction(Database& db) : db_(&db) {}
  Database* db_;
};

}  // namespace appshot
