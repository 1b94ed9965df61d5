// The payloads of journal records: what is written is read as the same; what can be read is written
// as the same octets again.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "stored/journal/record_codec.hpp"

namespace {

using namespace homeward;
using namespace homeward::journal;

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

std::string encoded(const record& r) {
  std::string payload;
  append_payload(payload, r);
  require(payload.size() == payload_size(r), "the size is what it was said to be");
  return payload;
}

void any_octets(record_type type, std::string_view payload) {
  const auto r = decode_payload(type, payload);
  if (r) {
    require(type_of(*r) == type, "the type stays");
    require(encoded(*r) == payload, "read is written as the same octets");
  }
}

// Takes values from the front of the input.
class values {
 public:
  explicit values(std::string_view input) : rest_(input) {}

  std::uint64_t number() {
    std::uint64_t n = 0;
    for (const char c : text(take(1) % 9)) {
      n = n << 8U | static_cast<std::uint8_t>(c);
    }
    return n;
  }
  std::string text() { return std::string(text(take(1))); }
  std::string_view rest() const { return rest_; }
  std::size_t take(std::size_t octets) { // one octet as a number
    const std::string_view taken = text(octets);
    return taken.empty() ? 0 : static_cast<std::uint8_t>(taken[0]);
  }

 private:
  std::string_view text(std::size_t octets) {
    const std::string_view taken = rest_.substr(0, octets);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view rest_;
};

void round_trip(const record& r) {
  const std::string payload = encoded(r);
  const auto again = decode_payload(type_of(r), payload);
  require(again && *again == r, "written is read as the same");
  require(!decode_payload(type_of(r), std::string_view(payload).substr(1)) ||
              encoded(*decode_payload(type_of(r), std::string_view(payload).substr(1))) ==
                  payload.substr(1),
          "what is one octet short is refused or another payload");
}

void any_delivery(std::string_view input) {
  values v(input);
  delivery_record d;
  d.received = v.number();
  d.header = static_cast<header_rule>(1 + v.take(1) % 3);
  d.partition = v.text();
  d.name = v.text();
  d.sender = v.text();
  d.mailboxes.resize(v.take(1) % 8);
  for (std::string& mailbox : d.mailboxes) {
    mailbox = v.text();
  }
  d.apart = v.take(1) % 2 == 1;
  d.size = d.apart ? v.number() : v.rest().size();
  d.message = d.apart ? std::string_view() : v.rest();
  round_trip(d);
}

void any_other(std::string_view input) {
  values v(input);
  round_trip(checkpoint_record{.below = v.number()});
  abort_record a{.delivery = v.number()};
  while (!v.rest().empty()) {
    a.recipients.push_back(static_cast<std::uint32_t>(v.number()));
  }
  round_trip(a);
}

} // namespace

// The first octet chooses: a payload of some type, or a record to be written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 8) {
  case 6: any_delivery(input); break;
  case 7: any_other(input); break;
  default: any_octets(static_cast<record_type>(data[0] % 8), input); break;
  }
  return 0;
}
