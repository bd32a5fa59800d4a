// SHA-256, by which images and layers are known.
#pragma once

#include <openssl/sha.h>

#include <span>
#include <string>
#include <string_view>

namespace appshot::packing {

class Sha256 {
 public:
  Sha256();
  void add(std::span<const char> bytes);
  // Of what was added so far: "sha256:" and 64 hexadecimal digits.
  std::string digest() const;

 private:
  SHA256_CTX state_;
};

std::string digest_of(std::string_view bytes);
// Exactly that form, so that it can be the name of a file.
bool is_digest(std::string_view text);

}  // namespace appshot::packing
