// Which two of an image's TCP connections are the ends of one.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "image/schema/values.h"

namespace appshot::tcp {

// Names on loopback are of one network namespace; others may lead from one to another by a cable.
class Ends {
 public:
  explicit Ends(const image::ImageT& image);

  // nullptr: it is not in the image.
  const image::TcpSocketT* other_end(int network, const image::TcpSocketT& of) const;
  // The same where packet filters of the application translate: each end sees the other by another
  // name than it has.
  const image::TcpSocketT* translated_end(int network, const image::TcpSocketT& of) const;
  // Not to the network namespace it is in.
  static bool leads_elsewhere(const image::TcpSocketT& end);

 private:
  using Names = std::pair<std::string, std::string>;  // its own, its peer's
  using Key = std::tuple<int, std::string, std::string>;
  void add(int network, const image::TcpSocketT& end);
  void add_translation(const image::NetworkObjectT& track);
  const image::TcpSocketT* find(int network, const image::TcpSocketT& of, const Names& names) const;

  std::multimap<Key, const image::TcpSocketT*> by_names_;
  std::map<Names, Names> translated_;  // how one end sees it -> how the other does
};

}  // namespace appshot::tcp
