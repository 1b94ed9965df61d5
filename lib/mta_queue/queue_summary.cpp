#include "lib/mta_queue/queue_summary.hpp"

#include <algorithm>
#include <set>

namespace homeward::mta_queue {

namespace {

constexpr std::size_t longest_reason = 200;
constexpr const char* untried = "not tried yet";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter_or_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Ids of messages and processes: long, with digits, and without the dots of addresses and codes.
bool is_id(std::string_view word) {
  return word.size() >= 5 && std::all_of(word.begin(), word.end(), is_letter_or_digit) &&
         std::count_if(word.begin(), word.end(), is_digit) * 3 >=
             static_cast<std::ptrdiff_t>(word.size());
}

// One word between spaces, with the signs around it.
std::string generalised(std::string_view word) {
  const auto first = word.find_first_not_of("<([\"'");
  const auto last = word.find_last_not_of(">)]\"',.:;");
  if (first == std::string_view::npos || last == std::string_view::npos || first > last) {
    return std::string(word);
  }
  const std::string_view core = word.substr(first, last - first + 1);
  if (core.find('@') != std::string_view::npos) {
    return "<address>";
  }
  if (!is_id(core)) {
    return std::string(word);
  }
  return std::string(word.substr(0, first)) + "<id>" + std::string(word.substr(last + 1));
}

void note_oldest(std::int64_t& oldest, std::int64_t arrived) {
  if (arrived != 0 && (oldest == 0 || arrived < oldest)) {
    oldest = arrived;
  }
}

template <class Count>
std::vector<Count> by_recipients(const std::map<std::string, Count, std::less<>>& counts) {
  std::vector<Count> sorted;
  for (const auto& [name, count] : counts) {
    sorted.push_back(count);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Count& a, const Count& b) { return a.recipients > b.recipients; });
  return sorted;
}

} // namespace

std::string reason_of(std::string_view status) {
  constexpr std::string_view empty_word = "Deferred: ";
  if (status.starts_with(empty_word)) {
    status.remove_prefix(empty_word.size());
  }
  std::string out;
  while (!status.empty() && out.size() < longest_reason) {
    const std::size_t space = std::min(status.find(' '), status.size());
    const std::string word = generalised(status.substr(0, space));
    status.remove_prefix(std::min(space + 1, status.size()));
    if (!word.empty()) {
      out += (out.empty() ? "" : " ") + word;
    }
  }
  if (out.size() > longest_reason) {
    out.resize(longest_reason);
  }
  return out.empty() ? untried : out;
}

directory_count& queue_summary::count_of(const std::string& group, const std::string& directory) {
  const auto [found, is_new] = where_.try_emplace({group, directory}, directories_.size());
  if (is_new) {
    directories_.push_back({.group = group, .directory = directory});
  }
  return directories_[found->second];
}

void queue_summary::add_directory(const std::string& group, const std::string& directory) {
  (void)count_of(group, directory);
}

void queue_summary::add(const waiting_message& m) {
  directory_count& d = count_of(m.group, m.directory);
  ++d.messages;
  d.recipients += m.recipients.size();
  d.held += m.state == waiting_state::held ? 1 : 0;
  d.lost += m.state == waiting_state::lost ? 1 : 0;
  d.untried += std::all_of(m.recipients.begin(), m.recipients.end(),
                           [](const waiting_recipient& r) { return r.reason.empty(); })
                   ? 1
                   : 0;
  note_oldest(d.oldest, m.arrived);
  std::set<std::string> seen;
  for (const waiting_recipient& r : m.recipients) {
    const std::string reason = reason_of(r.reason);
    reason_count& why = reasons_[reason];
    why.reason = reason;
    why.recipients += 1;
    why.example = why.example.empty() ? m.id : why.example;
    if (r.address.empty()) {
      continue;
    }
    const std::string where = destination_of_(r.address);
    destination_count& there = destinations_[where];
    there.destination = where;
    there.recipients += 1;
    there.messages += seen.insert(where).second ? 1 : 0;
    note_oldest(there.oldest, m.arrived);
  }
}

std::vector<destination_count> queue_summary::destinations() const {
  return by_recipients(destinations_);
}

std::vector<reason_count> queue_summary::reasons() const {
  return by_recipients(reasons_);
}

directory_count queue_summary::total() const {
  directory_count sum;
  for (const directory_count& d : directories_) {
    sum.messages += d.messages;
    sum.recipients += d.recipients;
    sum.untried += d.untried;
    sum.held += d.held;
    sum.lost += d.lost;
    note_oldest(sum.oldest, d.oldest);
  }
  return sum;
}

} // namespace homeward::mta_queue
