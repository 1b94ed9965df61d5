#include "stored/delivery/identity.hpp"

#include "lib/base/digest.hpp"

namespace homeward::stored {

identity identity_of(std::string_view key, std::string_view mailbox) {
  sha256 digest;
  digest.update(key);
  // Neither part can hold a NUL, so no two pairs give the same octets.
  digest.update(std::string_view("\0", 1));
  digest.update(mailbox);
  const sha256::value value = digest.finish();
  identity result;
  for (std::size_t i = 0; i < 8; ++i) {
    result.high = result.high << 8U | value[i];
    result.low = result.low << 8U | value[i + 8];
  }
  return result;
}

} // namespace homeward::stored
