// Who on this machine has a port: for the sentence that says why nobody else can.
#pragma once

#include <cstdint>
#include <string>

namespace appshot {

// "process 4711 (nginx)"; empty when nobody is found. In the caller's network namespace.
std::string holder_of_port(uint16_t port, bool udp);

}  // namespace appshot
