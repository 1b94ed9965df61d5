// Runner 1: every transcript of this folder against the pure session, three times.
#include <charconv>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lib/base/escape.hpp"

#include "tests/transcripts/lmtp/scripted_session.hpp"
#include "tests/transcripts/runner/transcript.hpp"
#include "tests/transcripts/runner/update.hpp"

namespace homeward::transcripts {
namespace {

enum class feeding : std::uint8_t {
  by_step,  // each client line by itself, as a patient peer would
  by_octet, // one octet at a time
  by_batch, // everything up to the next step that is no octet
};

// One run of a transcript; finds faults as text, so that runs can be compared.
class run {
 public:
  run(const transcript& t, feeding how) : transcript_(t), how_(how) {
    set_scene(t, scene_);
    session_ = std::make_unique<scripted_session>(scene_);
  }

  void play() {
    note_said(0);
    for (const step& s : transcript_.steps) {
      take(s);
      note_said(s.line);
    }
    send_batch();
    check_replies();
    if (session_->closed().has_value() != closed_expected_) {
      fault(0, closed_expected_ ? "the server should have closed the connection"
                                : "the server has closed the connection");
    }
    if (messages_expected_ && next_message_ != session_->messages().size()) {
      fault(0, "more messages were delivered than expected");
    }
  }

  [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
  [[nodiscard]] const std::string& sent() const { return session_->sent(); }
  [[nodiscard]] const std::map<std::size_t, std::vector<std::string>>& said() const {
    return said_;
  }

  // Everything that must not depend on how the octets arrive.
  [[nodiscard]] std::string summary() const {
    std::string text = session_->sent();
    for (const delivered& m : session_->messages()) {
      if (m.discarded) {
        text += "discarded\n"; // how much of it had been handed on does depend on the pieces
        continue;
      }
      text += fmt::format("{} {} {}\n", describe(m), m.complete, escape(m.octets, m.octets.size()));
    }
    return text;
  }

 private:
  void fault(std::size_t line, const std::string& what) {
    faults_.push_back(fmt::format("{}:{}: {}", transcript_.file.filename().string(), line, what));
  }

  void take(const step& s) {
    switch (s.kind) {
    case step_kind::client: feed(s, s.octets); break;
    case step_kind::client_body: feed(s, mail::dot_stuff(s.octets)); break;
    case step_kind::client_close:
      send_batch();
      session_->on(lmtp::peer_closed{});
      break;
    case step_kind::server: patterns_.push_back(s.pattern); break;
    case step_kind::server_close: closed_expected_ = true; break;
    case step_kind::event:
      send_batch();
      check_replies(s.line);
      happen(s);
      break;
    case step_kind::message:
      send_batch();
      check_message(s);
      break;
    }
  }

  void feed(const step& s, std::string_view octets) {
    switch (how_) {
    case feeding::by_step:
      check_replies(s.line); // everything expected before this line must have been said by now
      session_->feed(octets);
      break;
    case feeding::by_octet:
      for (const char c : octets) {
        session_->feed({&c, 1});
      }
      break;
    case feeding::by_batch: batch_ += octets; break;
    }
  }

  void send_batch() {
    if (!batch_.empty()) {
      session_->feed(std::exchange(batch_, {}));
    }
  }

  void happen(const step& s) {
    if (s.text == "timed_out") {
      session_->on(lmtp::timed_out{});
    } else if (s.text == "shutting_down") {
      session_->on(lmtp::shutting_down{});
    } else if (s.text == "delivered") {
      session_->report(session_->messages().size());
    } else if (s.text.starts_with("delivered ")) {
      session_->report(std::stoul(s.text.substr(10)));
    } else {
      fault(s.line, "an event that is not known");
    }
  }

  void check_replies(std::size_t line = 0) {
    const std::string difference = compare(patterns_, split_lines(session_->sent()));
    if (!difference.empty()) {
      fault(line, difference);
    }
  }

  static std::string describe(const delivered& m) {
    std::vector<std::string> mailboxes;
    for (const lmtp::recipient& r : m.about.recipients) {
      mailboxes.push_back(r.mailbox);
    }
    std::string discarded = "no";
    if (m.discarded) {
      discarded = *m.discarded == lmtp::discard_reason::too_big ? "too_big" : "interrupted";
    }
    return fmt::format("sender={} recipients={} size={} eight_bit={} smtputf8={} ident={} helo={} "
                       "declared={} discarded={}",
                       m.about.sender.text(), fmt::join(mailboxes, ","), m.octets.size(),
                       m.about.eight_bit ? "yes" : "no", m.about.smtputf8 ? "yes" : "no",
                       m.about.forwarded.ident, m.about.helo,
                       m.about.declared_size ? std::to_string(m.about.declared_size->octets) : "",
                       discarded);
  }

  void check_message(const step& s) {
    messages_expected_ = true;
    const auto& all = session_->messages();
    if (s.text == "none" && !s.exact) {
      if (next_message_ != all.size()) {
        fault(s.line, "a message was delivered: " + describe(all[next_message_]));
      }
      return;
    }
    if (!s.exact) {
      ++next_message_;
    }
    if (next_message_ == 0 || next_message_ > all.size()) {
      fault(s.line, "no such message was delivered");
      return;
    }
    const delivered& m = all[next_message_ - 1];
    if (s.exact && m.octets != s.text) {
      fault(s.line, "the message is `" + escape(m.octets, 1000) + "`");
    }
    if (!s.exact) {
      check_facts(s, m);
    }
  }

  void check_facts(const step& s, const delivered& m) {
    const std::string facts = " " + describe(m) + " ";
    std::string_view words = s.text;
    while (!words.empty()) {
      const std::string_view word = words.substr(0, words.find(' '));
      words.remove_prefix(std::min(word.size() + 1, words.size()));
      if (facts.find(fmt::format(" {} ", word)) == std::string::npos) {
        fault(s.line, fmt::format("{} is not true of:{}", word, facts));
      }
    }
    if (!m.complete && s.text.find("discarded=") == std::string::npos) {
      fault(s.line, "the message was begun, but not delivered");
    }
  }

  // For an update of the file: which lines came after which step.
  void note_said(std::size_t line) {
    const std::vector<std::string> lines = split_lines(session_->sent());
    for (; noted_ < lines.size(); ++noted_) {
      said_[line].push_back(lines[noted_]);
    }
  }

  const transcript& transcript_;
  feeding how_;
  scene scene_;
  std::unique_ptr<scripted_session> session_;
  std::string batch_;
  std::vector<std::string> patterns_;
  bool closed_expected_ = false;
  bool messages_expected_ = false;
  std::size_t next_message_ = 0;
  std::size_t noted_ = 0;
  std::map<std::size_t, std::vector<std::string>> said_;
  std::vector<std::string> faults_;
};

class lmtp_transcript : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(lmtp_transcript, holds_however_the_octets_arrive) {
  const transcript t = read_transcript(GetParam());
  run by_step(t, feeding::by_step);
  by_step.play();
  if (!by_step.faults().empty() && update_is_wanted()) {
    update_replies(t, by_step.said());
    GTEST_SKIP() << "rewritten: " << t.file;
  }
  run by_octet(t, feeding::by_octet);
  by_octet.play();
  run by_batch(t, feeding::by_batch);
  by_batch.play();
  for (const run* r : {&by_step, &by_octet, &by_batch}) {
    EXPECT_EQ(fmt::format("{}", fmt::join(r->faults(), "\n")), "") << r->sent();
  }
  EXPECT_EQ(by_step.summary(), by_octet.summary()) << "octet by octet";
  EXPECT_EQ(by_step.summary(), by_batch.summary()) << "in one piece";
}

std::string name_of(const ::testing::TestParamInfo<std::filesystem::path>& info) {
  std::string name = info.param.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(lmtp, lmtp_transcript,
                         ::testing::ValuesIn(find_transcripts(HOMEWARD_SOURCE_DIR
                                                              "/tests/transcripts/lmtp")),
                         name_of);

} // namespace
} // namespace homeward::transcripts
