// The fixed words of the language, and what they stand for. Upper and lower case are the same.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/rule.h"

namespace appshot::rules {

template <typename T>
struct Word {
  std::string_view word;
  T means;
};

enum class Statement { define, redir, link, set, except, resource };
inline constexpr std::array<Word<Statement>, 6> kStatements{{
    {"DEFINE", Statement::define},
    {"REDIR", Statement::redir},
    {"LINK", Statement::link},
    {"SET", Statement::set},
    {"EXCEPT", Statement::except},
    {"RESOURCE", Statement::resource},
}};

enum class Flag { create, readonly, copy };
inline constexpr std::array<Word<Flag>, 3> kFlags{{
    {"CREATE", Flag::create},
    {"READONLY", Flag::readonly},
    {"COPY", Flag::copy},
}};

// `env:NAME` and a literal are written otherwise.
inline constexpr std::array<Word<Property>, 5> kProperties{{
    {"application-id", Property::application_id},
    {"instance", Property::instance},
    {"node", Property::node},
    {"environment", Property::environment},
    {"template", Property::template_name},
}};

// What is defined without a DEFINE.
inline constexpr std::array<Word<Property>, 4> kPredefined{{
    {"APPL-ID", Property::application_id},
    {"INSTANCE", Property::instance},
    {"NODE", Property::node},
    {"ENVIRONMENT", Property::environment},
}};

inline constexpr std::array<Word<ResourceType>, 11> kResourceTypes{{
    {"file", ResourceType::file},
    {"memory", ResourceType::memory},
    {"shm", ResourceType::shm},
    {"sem", ResourceType::sem},
    {"msg", ResourceType::msg},
    {"port", ResourceType::port},
    {"address", ResourceType::address},
    {"pipe", ResourceType::pipe},
    {"socket", ResourceType::socket},
    {"terminal", ResourceType::terminal},
    {"device", ResourceType::device},
}};

inline constexpr std::array<Word<Access>, 4> kAccesses{{
    {"create", Access::create},
    {"read", Access::read},
    {"write", Access::write},
    {"destroy", Access::destroy},
}};

inline constexpr std::array<Word<Action>, 7> kActions{{
    {"share", Action::share},
    {"cow", Action::cow},
    {"duplicate", Action::duplicate},
    {"virtualise", Action::virtualise},
    {"multiplex", Action::multiplex},
    {"allocate", Action::allocate},
    {"refuse", Action::refuse},
}};

bool same_word(std::string_view a, std::string_view b);

template <typename T, size_t N>
std::optional<T> meaning_of(const std::array<Word<T>, N>& words, std::string_view word) {
  for (const Word<T>& known : words)
    if (same_word(known.word, word)) return known.means;
  return std::nullopt;
}

template <typename T, size_t N>
std::string_view word_for(const std::array<Word<T>, N>& words, T meaning) {
  for (const Word<T>& known : words)
    if (known.means == meaning) return known.word;
  return {};
}

template <typename T, size_t N>
std::vector<std::string_view> words_of(const std::array<Word<T>, N>& words) {
  std::vector<std::string_view> list;
  for (const Word<T>& known : words) list.push_back(known.word);
  return list;
}

// "share, cow or refuse"
std::string listed(std::span<const std::string_view> words);

// The known word that somebody most likely meant, or nothing.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

// "; did you mean share?", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace appshot::rules
