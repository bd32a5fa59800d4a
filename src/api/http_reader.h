// Reads one HTTP message from a socket with Beast's parser. Internal to http_server.cc and
// http_client.cc: the only two files that pay for including Beast.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "api/http_io.h"

namespace appshot {

template <bool kIsRequest>
class HttpReader {
 public:
  using Parser = boost::beast::http::parser<kIsRequest, boost::beast::http::buffer_body>;

  HttpReader() {
    parser_.header_limit(64 * 1024);
    parser_.body_limit(std::numeric_limits<uint64_t>::max());
  }

  const auto& head() const { return parser_.get(); }
  bool keep_alive() const { return parser_.keep_alive(); }
  bool done() const { return parser_.is_done(); }

  // `buffer` holds bytes read ahead, from the message before and for the one after.
  // False: the stream ended between two messages.
  Result<bool> read_head(int socket, std::string& buffer, const MaybeDeadline& deadline) {
    for (;;) {
      boost::system::error_code failed;
      size_t used = buffer.empty() ? 0 : parser_.put(boost::asio::buffer(buffer), failed);
      buffer.erase(0, used);
      if (parser_.is_header_done()) break;
      if (failed && failed != boost::beast::http::error::need_more) return malformed(failed);
      bool more = TRY(receive_more(socket, buffer, deadline));
      if (!more && buffer.empty()) return false;
      if (!more) return Error(ErrorClass::gone, "the connection ended within a message");
    }
    parser_.eager(true);
    return true;
  }

  // Some bytes of the body; 0 at its end.
  Result<size_t> read_body(int socket, std::string& buffer, std::span<char> bytes,
                           const MaybeDeadline& deadline) {
    auto& body = parser_.get().body();
    body.data = bytes.data();
    body.size = bytes.size();
    while (!parser_.is_done()) {
      boost::system::error_code failed;
      size_t used = buffer.empty() ? 0 : parser_.put(boost::asio::buffer(buffer), failed);
      buffer.erase(0, used);
      size_t got = bytes.size() - body.size;
      bool waits = !failed || failed == boost::beast::http::error::need_more ||
                   failed == boost::beast::http::error::need_buffer;
      if (!waits) return malformed(failed);
      if (got > 0) return got;
      if (parser_.is_done()) break;
      if (used > 0 && !buffer.empty()) continue;
      if (TRY(receive_more(socket, buffer, deadline))) continue;
      parser_.put_eof(failed);
      if (failed) return Error(ErrorClass::gone, "the connection ended within a message");
    }
    return 0;
  }

 private:
  static Error malformed(const boost::system::error_code& failed) {
    return Error(ErrorClass::corrupt, "not an HTTP message: " + failed.message());
  }

  Parser parser_;
};

}  // namespace appshot
