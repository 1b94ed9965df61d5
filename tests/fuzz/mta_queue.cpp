// What waits in an MTA's queue, whatever the octets are: nothing is read that is not in the text, a
// torn envelope is never complete, and a file name takes apart and puts together as the same.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/mta_queue/postfix_queue.hpp"
#include "lib/mta_queue/queue_file.hpp"

using namespace homeward::mta_queue;

namespace {

void demand(bool holds) {
  if (!holds) {
    std::abort();
  }
}

bool is_of(std::string_view text, const std::string& part) {
  return text.find(part) != std::string_view::npos && part.find('\n') == std::string::npos;
}

void check_envelope(std::string_view text) {
  const auto read = parse_queue_file(text);
  if (!read) {
    demand(read.error().kind == homeward::failure_kind::permanent);
    return;
  }
  for (const queued_recipient& r : read->recipients) {
    demand(is_of(text, r.address) && is_of(text, r.status));
  }
  for (const std::string* part : {&read->sender, &read->status, &read->flags, &read->quarantined}) {
    demand(is_of(text, *part));
  }
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  demand(read->recipients.size() < lines);
  if (read->complete) {
    demand(text.ends_with("\n.\n"));
    demand(!parse_queue_file(text.substr(0, text.size() - 1))->complete);
  }
}

void check_name(std::string_view text) {
  const file_name name = parse_file_name(text);
  if (name.kind != file_kind::other) {
    demand(!name.id.empty() && name_of(name.kind, name.id) == text);
  } else {
    demand(name.id.empty());
  }
}

void check_postqueue(std::string_view text) {
  const auto read = parse_postqueue_line(text, "/var/spool/postfix", "postfix");
  demand(!read || !read->id.empty());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_envelope(text);
  check_name(text);
  check_postqueue(text);
  return 0;
}
