#pragma once
// What each mailbox is known to hold, and the rule by which a message is let in. Pure: no files, no
// clock, no threads of its own; quota_keeper guards it and has the counting done.
//
//   held = counted at some time, plus what was filed since; room promised to messages under way is
//   kept apart
//   a message is let in when held + promised + its size is within the limit of its recipient
//
// Readers delete without telling us, so a figure grows old: an old one is counted again when it is
// used, and nobody is refused by a figure from before his message came. What cannot be counted
// refuses nobody.

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/base/clock.hpp"
#include "lib/store_protocol/usage.hpp"

#include "stored/quota/usage_count.hpp"

namespace homeward::stored {

struct quota_limits {
  bool enforce = true;              // false: usage is counted and told, nobody is refused
  std::size_t mailboxes = 100'000;  // remembered; of more, those used least recently are forgotten
  std::chrono::seconds recount{60}; // an older figure is counted again when it is used
};

// A mailbox, and where it lies.
struct mailbox_key {
  std::string_view partition; // its name, which holds no space
  std::string_view mailbox;
};

// A message that asks for room.
struct wanted_room {
  mailbox_key key;
  std::string_view name; // of the message: how its file will be called, without sizes
  std::uint64_t limit = 0;
  std::uint64_t size = 0; // of its file, at most
  steady_time asked; // when the message came: a figure from before, by more than a moment, is old
};

enum class room : unsigned char {
  granted = 1,     // promised; end it with settle()
  over = 2,        // the message would take the mailbox over its limit
  taken = 3,       // ... only together with others that are under way: try later
  count_first = 4, // the figure is missing or too old to refuse by
};

struct room_answer {
  room is = room::granted;
  bool refresh = false;   // the figure is old: count it again when there is time
  std::uint64_t held = 0; // as far as known
};

// One thread at a time.
class usage_table {
 public:
  // A mailbox is not counted again for a refusal within this time, nor within ten times the time
  // that counting it took: a flood to a full mailbox costs little.
  static constexpr std::chrono::seconds least_age{1};
  static constexpr int rest_after_count = 10;

  explicit usage_table(const quota_limits& limits) : limits_(limits) {}
  void set_limits(const quota_limits& limits);
  [[nodiscard]] const quota_limits& limits() const { return limits_; }

  // `is_last_word`: the answer is not count_first; without a figure that is good enough it is
  // granted.
  [[nodiscard]] room_answer ask(const wanted_room& wanted, bool is_last_word, steady_time now);
  // The end of what ask() granted: `filed` are the octets that lie in the mailbox now, if it was
  // stored.
  void settle(const mailbox_key& key, std::string_view name, std::optional<std::uint64_t> filed);

  // From here to count_finished() the table notes what is filed, so that the count can leave it
  // out. False when the mailbox is being counted already.
  [[nodiscard]] bool count_started(const mailbox_key& key);
  // The names of the messages that were under way at some time since count_started().
  [[nodiscard]] std::unordered_set<std::string> under_way(const mailbox_key& key) const;
  // `content`: empty when it could not be counted. `began` and `now` bound the counting itself.
  // True when that is news: the first failure since it last went well.
  bool count_finished(const mailbox_key& key, std::optional<mailbox_content> content,
                      steady_time began, steady_time now);

  // It was not tried: everything is as before.
  void count_given_up(const mailbox_key& key);

  // The mailboxes of a partition that are at nine tenths of their limit or above; the fullest
  // first.
  [[nodiscard]] std::vector<store_protocol::mailbox_usage>
  nearly_full(std::string_view partition, std::size_t most, steady_time now) const;
  // Of these, up to `most` whose figure is older than `recount`; the oldest first.
  [[nodiscard]] std::vector<std::string> old_figures(std::string_view partition, std::size_t most,
                                                     steady_time now) const;

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t nearly_full() const { return nearly_full_.size(); }
  // What is known of a mailbox; empty when it was not counted.
  [[nodiscard]] std::optional<mailbox_content> known(const mailbox_key& key) const;

 private:
  struct promise {
    std::string name;
    std::uint64_t size = 0;
  };
  struct entry {
    std::string key;
    mailbox_content held;
    std::optional<steady_time> counted; // when counting began; empty: `held` means nothing yet
    std::chrono::nanoseconds took{};
    std::optional<steady_time> failed; // since it last went well
    std::uint64_t limit = 0;
    std::uint64_t promised = 0; // the sum of `promises`
    std::vector<promise> promises;
    bool counting = false;
    std::vector<std::string> ended_meanwhile; // names of promises that ended since count_started()
    mailbox_content filed_meanwhile;
    bool listed = false; // in nearly_full_
  };
  using entry_list = std::list<entry>; // the most recently used first

  [[nodiscard]] entry& touch(const mailbox_key& key);
  [[nodiscard]] entry* find(const mailbox_key& key);
  [[nodiscard]] const entry* find(const mailbox_key& key) const;
  void forget_surplus();
  void list(entry& e);
  [[nodiscard]] static bool is_busy(const entry& e) { return e.counting || !e.promises.empty(); }
  [[nodiscard]] static bool is_fresh(const entry& e, steady_time asked);
  template <class Visit>
  void for_listed(std::string_view partition, Visit visit) const;

  quota_limits limits_;
  entry_list entries_;
  std::unordered_map<std::string_view, entry_list::iterator> by_key_; // views of entry::key
  std::set<std::string_view> nearly_full_;                            // views of entry::key
};

} // namespace homeward::stored
