// The functions of libcrypto that only sum: they need none of its providers and configuration,
// which would bring a loader of shared libraries into a static program. Newer headers advise
// against them.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "packing/sha256.h"

#include <algorithm>

namespace appshot::packing {
namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

Sha256::Sha256() { SHA256_Init(&state_); }

void Sha256::add(std::span<const char> bytes) {
  SHA256_Update(&state_, bytes.data(), bytes.size());
}

std::string Sha256::digest() const {
  SHA256_CTX copy = state_;
  unsigned char sum[SHA256_DIGEST_LENGTH];
  SHA256_Final(sum, &copy);
  std::string text(kPrefix);
  for (unsigned char byte : sum) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

std::string digest_of(std::string_view bytes) {
  Sha256 sum;
  sum.add({bytes.data(), bytes.size()});
  return sum.digest();
}

bool is_digest(std::string_view text) {
  if (!text.starts_with(kPrefix)) return false;
  text.remove_prefix(kPrefix.size());
  return text.size() == size_t{2} * SHA256_DIGEST_LENGTH &&
         text.find_first_not_of(kDigits) == std::string_view::npos;
}

}  // namespace appshot::packing
