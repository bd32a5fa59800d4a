#include "rules/glob.h"

#include <algorithm>
#include <vector>

#include "rules/quote.h"

namespace appshot::rules {
namespace {

// A pattern is a row of these. `folders` is what stands for **/ behind a slash: nothing, or
// anything that ends with a slash.
struct Part {
  enum class Kind { character, any_character, in_name, anything, folders };
  Kind kind;
  std::string_view character;
};

// In characters of UTF-8, so that ? is one of them; what is none counts by its bytes.
std::string_view first_character(std::string_view text) {
  return text.substr(0, std::max<size_t>(1, printable_length(text)));
}

std::vector<Part> parts_of(std::string_view pattern) {
  std::vector<Part> parts;
  bool behind_slash = false;
  while (!pattern.empty()) {
    if (behind_slash && pattern.starts_with("**/")) {
      parts.push_back({Part::Kind::folders, {}});
      pattern.remove_prefix(3);
      continue;  // and still behind one
    }
    if (pattern[0] == '*') {
      const size_t stars = std::min(pattern.find_first_not_of('*'), pattern.size());
      parts.push_back({stars > 1 ? Part::Kind::anything : Part::Kind::in_name, {}});
      pattern.remove_prefix(stars);
      continue;  // and what follows is no star
    }
    std::string_view character = first_character(pattern);
    const Part::Kind kind = character == "?" ? Part::Kind::any_character : Part::Kind::character;
    parts.push_back({kind, character});
    behind_slash = character == "/";
    pattern.remove_prefix(character.size());
  }
  return parts;
}

// All places in the pattern that what has been read of the path may have come to.
class Places {
 public:
  explicit Places(std::vector<Part> parts)
      : parts_(std::move(parts)), at_(parts_.size() + 1), within_(parts_.size()) {
    reach(at_, 0);
  }

  void read(std::string_view character) {
    std::vector<bool> next(at_.size());
    std::vector<bool> next_within(within_.size());
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (parts_[i].kind == Part::Kind::folders && (at_[i] || within_[i])) {
        next_within[i] = true;
        if (character == "/") reach(next, i + 1);
      } else if (at_[i] && takes(parts_[i], character)) {
        const bool stays =
            parts_[i].kind == Part::Kind::in_name || parts_[i].kind == Part::Kind::anything;
        reach(next, stays ? i : i + 1);
      }
    }
    at_ = std::move(next);
    within_ = std::move(next_within);
  }

  bool at_end() const { return at_.back(); }

 private:
  static bool takes(const Part& part, std::string_view character) {
    switch (part.kind) {
      case Part::Kind::character:
        return part.character == character;
      case Part::Kind::any_character:
      case Part::Kind::in_name:
        return character != "/";
      default:
        return true;
    }
  }

  // With that the places behind parts that may stand for nothing.
  void reach(std::vector<bool>& places, size_t place) const {
    for (; !places[place]; ++place) {
      places[place] = true;
      if (place == parts_.size() || parts_[place].kind == Part::Kind::character ||
          parts_[place].kind == Part::Kind::any_character)
        return;
    }
  }

  std::vector<Part> parts_;
  std::vector<bool> at_;      // before which part; the last: at the end
  std::vector<bool> within_;  // within which `folders`
};

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view path) {
  Places places(parts_of(pattern));
  while (!path.empty()) {
    std::string_view character = first_character(path);
    places.read(character);
    path.remove_prefix(character.size());
  }
  return places.at_end();
}

}  // namespace appshot::rules
