// A text of rules, and what is wrong with it: each problem with its place, the line and a caret.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "rules/rule.h"

namespace appshot::rules {

// Does not own the text.
class SourceText {
 public:
  SourceText(std::string_view text, std::string_view name);

  std::string_view text() const { return text_; }
  const std::string& name() const { return name_; }
  size_t line_of(size_t offset) const;  // from 1
  Position position(size_t offset) const;
  // The line, and below it a caret; of a long line what is around.
  std::string excerpt(size_t offset) const;

 private:
  std::string_view text_;
  std::string name_;
  std::vector<size_t> line_begins_;
};

class Problems {
 public:
  explicit Problems(const SourceText& source) : source_(source) {}

  void add(size_t offset, std::string message);
  bool any() const { return !found_.empty(); }
  // Nobody reads more, so nobody need look for more.
  bool enough() const { return found_.size() >= kTold; }
  // All of them, in the order of their places.
  Error error() const;

 private:
  static constexpr size_t kTold = 20;
  struct Problem {
    size_t offset;
    std::string message;
  };
  const SourceText& source_;
  std::vector<Problem> found_;
};

}  // namespace appshot::rules
