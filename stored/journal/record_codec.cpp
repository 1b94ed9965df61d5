#include "stored/journal/record_codec.hpp"

#include <limits>
#include <stdexcept>

#include <fmt/format.h>

#include "stored/journal/little_endian.hpp"

namespace homeward::journal {

namespace {

constexpr std::size_t max_text = std::numeric_limits<std::uint16_t>::max();
constexpr std::size_t delivery_fixed = 8 + 8 + 4 + 8; // received, rule and zeros, count, size
constexpr std::size_t rule_zeros = 7;
constexpr std::size_t abort_fixed = 8 + 4;
constexpr std::size_t checkpoint_fixed = 8;

std::size_t text_size(std::string_view text) {
  if (text.size() > max_text) {
    throw std::length_error("a string of a journal record is longer than 65,535 octets");
  }
  return sizeof(std::uint16_t) + text.size();
}

std::size_t size_of(const delivery_record& d) {
  if (d.mailboxes.size() > max_mailboxes) {
    throw std::length_error("a journal record has too many mailboxes");
  }
  std::size_t size = delivery_fixed + text_size(d.partition) + text_size(d.name) +
                     text_size(d.sender) + d.message.size();
  for (const std::string& mailbox : d.mailboxes) {
    size += text_size(mailbox);
  }
  return size;
}

std::size_t size_of(const abort_record& a) {
  if (a.recipients.size() > max_mailboxes) {
    throw std::length_error("a journal record refuses too many recipients");
  }
  return abort_fixed + a.recipients.size() * sizeof(std::uint32_t);
}

std::size_t size_of(const checkpoint_record&) {
  return checkpoint_fixed;
}

void append_text(std::string& out, std::string_view text) {
  append(out, static_cast<std::uint16_t>(text.size()));
  out += text;
}

void append_one(std::string& out, const delivery_record& d) {
  append(out, d.received);
  append(out, static_cast<std::uint8_t>(d.header));
  out.append(rule_zeros, '\0');
  append_text(out, d.partition);
  append_text(out, d.name);
  append_text(out, d.sender);
  append(out, static_cast<std::uint32_t>(d.mailboxes.size()));
  for (const std::string& mailbox : d.mailboxes) {
    append_text(out, mailbox);
  }
  append(out, d.size);
  out += d.message;
}

void append_one(std::string& out, const abort_record& a) {
  append(out, a.delivery);
  append(out, static_cast<std::uint32_t>(a.recipients.size()));
  for (const std::uint32_t index : a.recipients) {
    append(out, index);
  }
}

void append_one(std::string& out, const checkpoint_record& c) {
  append(out, c.below);
}

// Takes fields from the front. After the first that is not whole all are zero or empty, so that
// one question at the end is enough.
class payload_reader {
 public:
  explicit payload_reader(std::string_view payload) : rest_(payload) {}

  template <class T>
  T number() {
    const std::string_view octets = take(sizeof(T));
    return short_ ? T{} : load<T>(octets, 0);
  }
  std::string text() { return std::string(take(number<std::uint16_t>())); }
  std::string_view take(std::size_t octets) {
    if (octets > rest_.size()) {
      short_ = true;
    }
    if (short_) {
      return {};
    }
    const std::string_view taken = rest_.substr(0, octets);
    rest_.remove_prefix(octets);
    return taken;
  }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }
  [[nodiscard]] bool is_short() const { return short_; }

 private:
  std::string_view rest_;
  bool short_ = false;
};

failure bad(std::string why) {
  return transient_failure("a record of the journal cannot be read", std::move(why));
}

result<void> check_end(const payload_reader& reader) {
  if (reader.is_short()) {
    return bad("its payload is cut short");
  }
  if (reader.left() != 0) {
    return bad(fmt::format("{} octets are left over behind its payload", reader.left()));
  }
  return {};
}

// Each element takes at least `least` octets: so much is the most that can be there.
result<void> check_count(const payload_reader& reader, std::uint32_t count, std::size_t least) {
  if (!reader.is_short() && (count > max_mailboxes || count > reader.left() / least)) {
    return bad(fmt::format("its payload cannot hold the {} recipients it speaks of", count));
  }
  return {};
}

result<void> read_rule(payload_reader& reader, header_rule& rule) {
  const auto value = reader.number<std::uint8_t>();
  const bool zeros = reader.take(rule_zeros).find_first_not_of('\0') == std::string_view::npos;
  if (reader.is_short()) {
    return {};
  }
  if (value < static_cast<std::uint8_t>(header_rule::single) ||
      value > static_cast<std::uint8_t>(header_rule::never) || !zeros) {
    return bad("its header rule is none that this version knows");
  }
  rule = static_cast<header_rule>(value);
  return {};
}

result<record> decode_delivery(std::string_view payload, bool apart) {
  payload_reader reader(payload);
  delivery_record d;
  d.apart = apart;
  d.received = reader.number<std::uint64_t>();
  if (const auto known = read_rule(reader, d.header); !known) {
    return known.error();
  }
  d.partition = reader.text();
  d.name = reader.text();
  d.sender = reader.text();
  const auto count = reader.number<std::uint32_t>();
  if (const auto possible = check_count(reader, count, sizeof(std::uint16_t)); !possible) {
    return possible.error();
  }
  d.mailboxes.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    d.mailboxes.push_back(reader.text());
  }
  d.size = reader.number<std::uint64_t>();
  if (!apart && !reader.is_short()) {
    if (reader.left() != d.size) {
      return bad(
          fmt::format("it speaks of a message of {} octets and holds {}", d.size, reader.left()));
    }
    d.message = reader.take(reader.left());
  }
  if (const auto whole = check_end(reader); !whole) {
    return whole.error();
  }
  return d;
}

result<record> decode_abort(std::string_view payload) {
  payload_reader reader(payload);
  abort_record a;
  a.delivery = reader.number<std::uint64_t>();
  const auto count = reader.number<std::uint32_t>();
  if (const auto possible = check_count(reader, count, sizeof(std::uint32_t)); !possible) {
    return possible.error();
  }
  a.recipients.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    a.recipients.push_back(reader.number<std::uint32_t>());
  }
  if (const auto whole = check_end(reader); !whole) {
    return whole.error();
  }
  return a;
}

result<record> decode_checkpoint(std::string_view payload) {
  payload_reader reader(payload);
  const checkpoint_record c{.below = reader.number<std::uint64_t>()};
  if (const auto whole = check_end(reader); !whole) {
    return whole.error();
  }
  return c;
}

} // namespace

record_type type_of(const record& r) {
  if (const auto* d = std::get_if<delivery_record>(&r)) {
    return d->apart ? record_type::delivery_apart : record_type::delivery;
  }
  return std::holds_alternative<abort_record>(r) ? record_type::abort : record_type::checkpoint;
}

bool is_known(record_type type) {
  switch (type) {
  case record_type::delivery:
  case record_type::delivery_apart:
  case record_type::abort:
  case record_type::checkpoint: return true;
  }
  return false;
}

std::size_t payload_size(const record& r) {
  const std::size_t size = std::visit([](const auto& one) { return size_of(one); }, r);
  if (size > max_payload) {
    throw std::length_error("a journal record is larger than its format allows");
  }
  return size;
}

void append_payload(std::string& out, const record& r) {
  (void)payload_size(r); // throws before anything is added
  std::visit([&](const auto& one) { append_one(out, one); }, r);
}

result<record> decode_payload(record_type type, std::string_view payload) {
  switch (type) {
  case record_type::delivery: return decode_delivery(payload, false);
  case record_type::delivery_apart: return decode_delivery(payload, true);
  case record_type::abort: return decode_abort(payload);
  case record_type::checkpoint: return decode_checkpoint(payload);
  }
  return bad(
      fmt::format("its type {} is none that this version knows", static_cast<std::uint16_t>(type)));
}

} // namespace homeward::journal
