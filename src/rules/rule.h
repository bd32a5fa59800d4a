// What a text of rules says, as plain values: paths and variables as they are written, nothing of
// it evaluated. So it is kept with an instance, its snapshots and templates, and each instance
// evaluates it anew (evaluate.h). docs/rules.md is the language.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace appshot::rules {

// Where a statement is written, for people. It is no part of what the statement says: rules are
// equal wherever they stand.
struct Position {
  std::string source;  // name of the text
  size_t line = 0;     // from 1
  size_t column = 0;   // from 1, in characters
  std::string text() const {
    return source + ":" + std::to_string(line) + ":" + std::to_string(column);
  }
  bool operator==(const Position&) const { return true; }
};

// Literal bytes, or the name of a variable.
struct Piece {
  std::string text;
  bool is_variable = false;
  bool operator==(const Piece&) const = default;
};

// A string in which variables may stand. Literals are never empty, and no two stand side by side.
struct Text {
  std::vector<Piece> pieces;
  bool operator==(const Text&) const = default;
};

enum class Property { literal, application_id, instance, node, environment, template_name, env };

// DEFINE
struct Definition {
  std::string name;
  Property property = Property::literal;
  std::string argument{};  // literal: what it is; env: which variable of the environment
  Position at{};
  bool operator==(const Definition&) const = default;
};

// REDIR: what is asked for at `path` is found at `to`.
struct Redirection {
  std::string path;
  Text to;
  bool create = false;    // what is not there is made, empty
  bool readonly = false;  // nothing is changed through it
  bool copy = false;      // what is not there is made, as a copy of what `path` holds
  Position at{};
  bool operator==(const Redirection&) const = default;
};

// LINK: a dynamic symbolic link.
struct Link {
  std::string path;
  Text to;
  bool create = false;
  Position at{};
  bool operator==(const Link&) const = default;
};

// SET ENV
struct Setting {
  std::string name;
  Text value;
  Position at{};
  bool operator==(const Setting&) const = default;
};

// EXCEPT: a public path, the host's own.
struct Exception {
  std::string path;
  bool readonly = false;
  Position at{};
  bool operator==(const Exception&) const = default;
};

enum class ResourceType {
  file,
  memory,
  shm,
  sem,
  msg,
  port,
  address,
  pipe,
  socket,
  terminal,
  device,
};

enum class Access : uint8_t { create = 1, read = 2, write = 4, destroy = 8 };
constexpr uint8_t kEveryAccess = 15;

enum class Action { share, cow, duplicate, virtualise, multiplex, allocate, refuse };

struct PathPattern {
  std::string glob;
  bool operator==(const PathPattern&) const = default;
};
struct KeyPattern {
  std::optional<uint32_t> key;  // none: every one
  bool operator==(const KeyPattern&) const = default;
};
struct PortPattern {
  uint16_t first = 0;
  uint16_t last = 0;
  bool operator==(const PortPattern&) const = default;
};
// monostate: every resource of the type.
using Selector = std::variant<std::monostate, PathPattern, KeyPattern, PortPattern>;

// RESOURCE
struct ResourceRule {
  ResourceType type = ResourceType::file;
  Selector which{};
  uint8_t accesses = kEveryAccess;  // Access
  Action action = Action::refuse;
  Position at{};
  bool operator==(const ResourceRule&) const = default;
};

// One text. Only among RESOURCE statements does the order matter.
struct Rules {
  std::vector<Definition> definitions;
  std::vector<Exception> exceptions;
  std::vector<Redirection> redirections;
  std::vector<Link> links;
  std::vector<Setting> settings;
  std::vector<ResourceRule> resources;
  bool operator==(const Rules&) const = default;
};

}  // namespace appshot::rules
