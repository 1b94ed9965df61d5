#include "lib/base/digest.hpp"

#include <stdexcept>

#include <openssl/evp.h>

namespace homeward {
namespace {

EVP_MD_CTX* as_context(void* p) {
  return static_cast<EVP_MD_CTX*>(p);
}

void require(int openssl_result) {
  if (openssl_result != 1) {
    throw std::runtime_error("OpenSSL cannot calculate SHA-256");
  }
}

} // namespace

void sha256::context_deleter::operator()(void* context) const {
  EVP_MD_CTX_free(as_context(context));
}

sha256::sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr ? 1 : 0);
  require(EVP_DigestInit_ex(as_context(context_.get()), EVP_sha256(), nullptr));
}

sha256::~sha256() = default;
sha256::sha256(sha256&&) noexcept = default;
sha256& sha256::operator=(sha256&&) noexcept = default;

void sha256::update(std::string_view piece) {
  require(EVP_DigestUpdate(as_context(context_.get()), piece.data(), piece.size()));
}

sha256::value sha256::finish() {
  value out{};
  require(EVP_DigestFinal_ex(as_context(context_.get()), out.data(), nullptr));
  return out;
}

std::string to_hex(const sha256::value& digest, std::size_t octets) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(octets * 2);
  for (std::size_t i = 0; i < octets && i < digest.size(); ++i) {
    out += digits[digest[i] >> 4U];
    out += digits[digest[i] & 0xFU];
  }
  return out;
}

} // namespace homeward
