#pragma once
// The identity of a delivery, the middle part of NAME. A retry by the MTA is byte-identical, its
// own Received line included, and so gets the same key; a new submission has a new Received line
// and so another key. Recipients are no part of it: a retry for the remaining ones must not look
// new.

#include <cstddef>
#include <string>
#include <string_view>

#include "lib/base/digest.hpp"
#include "lib/mail/reverse_path.hpp"
#include "lib/mail/trace.hpp"

namespace homeward::mail {

// Calculated while the message arrives. One object per message; one thread at a time.
class delivery_key {
 public:
  static constexpr std::size_t length = 32; // hexadecimal digits

  // `ident` is the MTA's queue id (XFORWARD IDENT), empty if it did not tell.
  delivery_key(const reverse_path& sender, std::string_view ident);

  // The octets of the message in order, in any pieces.
  void update(std::string_view piece);

  // True if the same message gives the same key again: there is a Received field or an IDENT.
  // Otherwise (a probe, a client that sends the same octets on purpose) the key is random.
  [[nodiscard]] bool is_stable() const { return has_ident_ || received_.found(); }

  // The key: 32 lower-case hexadecimal digits. Ends the calculation.
  [[nodiscard]] std::string finish();

 private:
  sha256 digest_;
  received_finder received_;
  bool has_ident_ = false;
};

} // namespace homeward::mail
