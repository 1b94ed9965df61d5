#include "lib/mta_queue/queue_file.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace homeward::mta_queue {

namespace {

constexpr std::array<std::pair<file_kind, std::string_view>, 6> prefixes = {
    {{file_kind::envelope, "qf"},
     {file_kind::quarantined, "hf"},
     {file_kind::lost, "Qf"},
     {file_kind::data, "df"},
     {file_kind::transcript, "xf"},
     {file_kind::temporary, "tf"}}};

template <class Number>
Number number(std::string_view text) {
  Number value = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string without_brackets(std::string_view address) {
  if (address.size() >= 2 && address.front() == '<' && address.back() == '>') {
    address = address.substr(1, address.size() - 2);
  }
  return std::string(address);
}

// "PFD:<ann@example.org>": flags, a colon, the address. Old versions have no flags.
std::string recipient_address(std::string_view value) {
  const std::size_t colon = value.find(':');
  const std::size_t address = value.find_first_of("<@\"");
  if (colon != std::string_view::npos && (address == std::string_view::npos || colon < address)) {
    value.remove_prefix(colon + 1);
  }
  return without_brackets(value);
}

// Reads one line after the other; knows which status belongs to the recipient that follows.
class reader {
 public:
  explicit reader(queue_file& into) : into_(into) {}

  void line(char letter, std::string_view value) {
    switch (letter) {
    case 'T': into_.created = number<std::int64_t>(value); break;
    case 'K': into_.last_try = number<std::int64_t>(value); break;
    case 'N': into_.tries = number<std::uint32_t>(value); break;
    case 'P': into_.priority = number<std::int64_t>(value); break;
    case 'F': into_.flags = value; break;
    case 'S': sender(value); break;
    case 'M': status(value); break;
    case 'R': recipient(value); break;
    case 'q': into_.quarantined = value; break;
    case 'd':
    case 'D': into_.has_data_elsewhere = true; break;
    default: break; // headers, macros, original recipients, and what newer versions add
    }
  }

 private:
  void sender(std::string_view value) {
    into_.sender = without_brackets(value);
    has_sender_ = true;
  }

  void status(std::string_view value) { (has_sender_ ? next_status_ : into_.status) = value; }

  void recipient(std::string_view value) {
    into_.recipients.push_back(
        {.address = recipient_address(value), .status = std::exchange(next_status_, {})});
  }

  queue_file& into_;
  std::string next_status_;
  bool has_sender_ = false;
};

} // namespace

result<queue_file> parse_queue_file(std::string_view text) {
  if (text.size() < 2 || text.front() != 'V' || text[1] < '0' || text[1] > '9') {
    return permanent_failure(failure_reason::syntax, "this is no queue file of sendmail",
                             "it does not begin with a version line");
  }
  queue_file parsed;
  reader each(parsed);
  parsed.version = number<int>(text.substr(1));
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line == ".") {
      parsed.complete = end != std::string_view::npos && text.empty();
      break;
    }
    if (!line.empty()) {
      each.line(line.front(), line.substr(1));
    }
  }
  return parsed;
}

file_name parse_file_name(std::string_view name) {
  for (const auto& [kind, prefix] : prefixes) {
    if (name.size() > prefix.size() && name.starts_with(prefix)) {
      return {.kind = kind, .id = name.substr(prefix.size())};
    }
  }
  return {};
}

std::string name_of(file_kind kind, std::string_view id) {
  std::string name;
  for (const auto& [known, prefix] : prefixes) {
    name = known == kind ? prefix : name;
  }
  return name += id;
}

} // namespace homeward::mta_queue
