// Names of inet sockets, and which connections lead out of the application.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "image/schema/values.h"
#include "os/ip_address.h"

namespace appshot::templates {

struct InetName {
  IpAddress address;  // none: it has no name. IPv4 within IPv6 is IPv4
  uint16_t port = 0;
  std::string text() const;  // "0.0.0.0:80", "[::]:80"; empty: none
};

// Of a sockaddr; one of another family is none.
InetName inet_name(const std::vector<uint8_t>& bytes);

class Connections {
 public:
  explicit Connections(const image::ImageT& image);

  // Its other end is nobody's of the application. (Of one that the application's own packet filters
  // translate that cannot be told by its names; it counts as one that does.)
  bool lead_out(const image::TcpSocketT& socket) const;

 private:
  void add(const image::TcpSocketT& socket);

  std::set<std::pair<std::string, std::string>> ends_;  // own name, peer's
};

}  // namespace appshot::templates
