#pragma once
// An LMTP session with everything around it played from the header lines of a transcript: who may
// receive, and what becomes of each delivery.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lmtp-bridge/lmtp/session.hpp"
#include "tests/transcripts/runner/transcript.hpp"

namespace homeward::transcripts {

// The answers of the directory: by the address in canonical notation; others are unknown.
class scripted_policy final : public lmtp::recipient_policy {
 public:
  std::map<std::string, result<lmtp::accepted_recipient>> answers = {};

  [[nodiscard]] result<lmtp::accepted_recipient> accept(const mail::address& path) const override;
};

// What one transcript's header lines say.
struct scene {
  lmtp::session_settings settings = {};
  scripted_policy policy = {};
  // By mailbox: the outcome, or none at all ("missing"). Others are stored.
  std::map<std::string, std::optional<mail::reply>> outcomes = {};
  bool deliveries_held = false;
};

// Throws std::runtime_error for a line it does not know.
void set_scene(const transcript& t, scene& s);

// A message that was begun.
struct delivered {
  lmtp::envelope about = {};
  std::string octets = {};
  bool complete = false;
  std::optional<lmtp::discard_reason> discarded = {};
};

// The session with a driver that records.
class scripted_session {
 public:
  explicit scripted_session(const scene& s);

  // Gives the session octets as the network would: what it does not take is given again later.
  void feed(std::string_view octets);
  void on(const lmtp::event& e);
  // Reports the outcomes of the message with this number now.
  void report(std::uint64_t transaction);

  [[nodiscard]] const std::string& sent() const { return sent_; }
  [[nodiscard]] const std::vector<std::string>& sends() const { return sends_; }
  [[nodiscard]] const std::vector<delivered>& messages() const { return messages_; }
  [[nodiscard]] const std::optional<lmtp::close_reason>& closed() const { return closed_; }
  [[nodiscard]] lmtp::session& session() { return session_; }

 private:
  void perform_all();
  void perform(lmtp::action& a);

  const scene& scene_;
  lmtp::session session_;
  std::string waiting_;
  std::string sent_;
  std::vector<std::string> sends_;
  std::vector<delivered> messages_;
  std::optional<std::uint64_t> to_report_;
  std::optional<lmtp::close_reason> closed_;
};

} // namespace homeward::transcripts
