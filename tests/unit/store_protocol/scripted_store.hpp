#pragma once
// The driver of a server_session for tests: no socket, answers by script, and a record of all that
// happened. Used by the unit tests, the transcripts and the fuzz targets.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/store_protocol/server_session.hpp"

namespace homeward::store_protocol::testing {

// One action_deliver with the octets that came before it.
struct delivered_message {
  envelope message;
  std::string octets;

  friend bool operator==(const delivered_message&, const delivered_message&) = default;
};

// What the store answers. Nothing said means accepted and stored.
struct store_script {
  std::map<std::string, failure> partitions;  // refused ones
  std::map<std::string, failure> recipients;  // refused mailboxes
  std::map<std::string, failure> outcomes;    // mailboxes whose delivery fails
  std::map<std::string, std::string> repeats; // mailboxes that hold it already, under that name
  limits bounds;
  partition_figures space{};
  load_figures load;
  std::vector<mailbox_usage> usages; // told by FULL
  bool held = false;                 // deliveries finish only by finish_delivery()
  bool direct = false;               // message octets go past the session where they may
};

class scripted_store final : public server_policy {
 public:
  explicit scripted_store(store_script script);

  // Octets from the peer, in pieces of at most `piece` octets; what the session does not take is
  // kept and given again after the next event.
  void feed(std::string_view octets, std::size_t piece = std::string_view::npos);
  void on(server_event event);
  void finish_delivery(); // the outcomes of the script for the delivery under way

  // All replies so far; take_output() also forgets them.
  [[nodiscard]] const std::string& output() const { return output_; }
  std::string take_output() { return std::exchange(output_, {}); }
  [[nodiscard]] const std::vector<delivered_message>& delivered() const { return delivered_; }
  [[nodiscard]] std::size_t discarded() const { return discarded_; }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] close_reason why_closed() const { return why_closed_; }
  // Actions in order as text, with neighbours of one kind joined: equal for every split of the
  // input.
  [[nodiscard]] const std::vector<std::string>& trace() const { return trace_; }
  [[nodiscard]] server_session& session() { return session_; }

  [[nodiscard]] result<partition_figures> accept_partition(std::string_view name) override;
  [[nodiscard]] result<void> accept_recipient(const envelope& so_far,
                                              const recipient& who) override;
  [[nodiscard]] std::vector<mailbox_usage> full_mailboxes(std::size_t most) override;

 private:
  void pump();
  void perform();
  void record(std::string_view kind, std::string_view what);

  store_script script_;
  server_session session_;
  std::string pending_; // given by the peer, not yet taken by the session
  std::size_t piece_ = std::string_view::npos;
  std::string output_;
  std::string body_;
  bool has_body_ = false;
  std::size_t announced_ = 0; // size of the action_begin_body last given
  envelope delivering_;
  std::vector<delivered_message> delivered_;
  std::size_t discarded_ = 0;
  bool closed_ = false;
  close_reason why_closed_ = close_reason::quit;
  std::vector<std::string> trace_;
};

// The failure for a word of a script: temp perm quota no_user no_partition moved full too_big
// denied unknown_outcome. Throws for another word.
[[nodiscard]] failure failure_named(std::string_view word);

} // namespace homeward::store_protocol::testing
