#include "tests/transcripts/store/store_transcript.hpp"

#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

namespace homeward::transcripts {

namespace sp = store_protocol;
using sp::testing::delivered_message;
using sp::testing::failure_named;
using sp::testing::scripted_store;
using sp::testing::store_script;

namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) {
    words.push_back(word);
  }
  return words;
}

[[noreturn]] void wrong(const transcript& t, std::size_t line, std::string_view what) {
  throw std::runtime_error(fmt::format("{}:{}: {}", t.file.string(), line, what));
}

void take_limit(store_script& script, const std::string& name, std::size_t n) {
  sp::limits& l = script.bounds;
  if (name == "line") {
    l.line = n;
  } else if (name == "recipients") {
    l.recipients = n;
  } else if (name == "size") {
    l.size = {n};
  } else if (name == "surplus") {
    l.surplus = {n};
  } else if (name == "errors") {
    l.errors = n;
  } else if (name == "usages") {
    l.usages = n;
  } else if (name == "skipped") {
    l.skipped = n;
  } else {
    throw std::logic_error("no limit is called " + name);
  }
}

void take_header(store_script& script, const std::string& keyword,
                 const std::vector<std::string>& words) {
  const std::string& first = words.at(0);
  const std::string second = words.size() > 1 ? words[1] : "";
  if (keyword == "limit") {
    take_limit(script, first, std::stoul(second));
  } else if (keyword == "partition") {
    script.partitions.emplace(first, failure_named(second));
  } else if (keyword == "rcpt") {
    script.recipients.emplace(first, failure_named(second));
  } else if (keyword == "outcome" && second == "repeat") {
    script.repeats.emplace(first, words.at(2));
  } else if (keyword == "outcome") {
    script.outcomes.emplace(first, failure_named(second));
  } else if (keyword == "usage" && words.size() == 5) {
    script.usages.push_back({.partition = words[0],
                             .mailbox = words[1],
                             .used = {std::stoul(words[2])},
                             .limit = {std::stoul(words[3])},
                             .age = std::chrono::seconds(std::stoul(words[4]))});
  } else if (keyword == "deliveries" && first == "held") {
    script.held = true;
  } else if (keyword == "load" && words.size() == 5) {
    script.load = {static_cast<unsigned>(std::stoul(words[0])),
                   std::stoul(words[1]),
                   {std::stoul(words[2])},
                   {std::stoul(words[3])},
                   words[4]};
    script.space = {script.load.free, script.load.total};
  } else {
    throw std::logic_error("nothing is set by " + keyword);
  }
}

template <class Get>
std::string joined(const delivered_message& m, Get get) {
  std::string out;
  for (const sp::recipient& who : m.message.recipients) {
    out += (out.empty() ? "" : ",") + get(who);
  }
  return out;
}

std::string fact(const delivered_message& m, const std::string& key) {
  if (key == "name") {
    return to_string(m.message.name);
  }
  if (key == "partition") {
    return m.message.partition;
  }
  if (key == "sender") {
    return fmt::format("<{}>", m.message.sender);
  }
  if (key == "size") {
    return fmt::to_string(m.message.size.octets);
  }
  if (key == "recipients") {
    return joined(m, [](const sp::recipient& who) { return who.mailbox; });
  }
  if (key == "originals") {
    return joined(m, [](const sp::recipient& who) { return who.original; });
  }
  if (key == "epochs") {
    return joined(m, [](const sp::recipient& who) { return fmt::to_string(who.epoch); });
  }
  if (key == "quotas") {
    return joined(m,
                  [](const sp::recipient& who) { return fmt::to_string(who.quota_limit.octets); });
  }
  throw std::logic_error("a message has no " + key);
}

// One walk through a transcript.
class walk {
 public:
  walk(const transcript& t, delivery_mode mode)
      : transcript_(t), mode_(mode), store_(script(t, mode)) {}

  store_run result() {
    for (const step& s : transcript_.steps) {
      take(s);
    }
    flush();
    if (store_.closed() != expects_close_) {
      note(0, expects_close_ ? "the server did not close" : "the server closed");
    }
    if (compares_messages_ && messages_ != store_.delivered().size()) {
      note(0,
           fmt::format("{} messages delivered, {} expected", store_.delivered().size(), messages_));
    }
    return {store_.output(), store_.delivered(), store_.closed(), store_.trace(), said_, trouble_};
  }

 private:
  static store_script script(const transcript& t, delivery_mode mode) {
    store_script s = script_of(t);
    s.direct = mode == delivery_mode::direct;
    return s;
  }

  void take(const step& s) {
    switch (s.kind) {
    case step_kind::client:
    case step_kind::client_body: take_client(s); break;
    case step_kind::client_close:
      flush();
      store_.on(sp::event_peer_closed{});
      expects_close_ = true;
      break;
    case step_kind::server: patterns_.push_back(s.pattern); break;
    case step_kind::server_close: expects_close_ = true; break;
    case step_kind::event:
      flush();
      take_event(s);
      break;
    case step_kind::message:
      flush();
      take_message(s);
      break;
    }
    line_ = s.line;
    note_said(s.line);
  }

  void note_said(std::size_t line) {
    for (std::string& one : split_lines(store_.output().substr(noted_))) {
      said_[line].push_back(std::move(one));
    }
    noted_ = store_.output().size();
  }

  void take_client(const step& s) {
    // Client lines without a reply between them are one write, whose replies come in order.
    if (mode_ != delivery_mode::pipelined && !patterns_.empty()) {
      flush();
    }
    unsent_ += s.octets;
    if (mode_ != delivery_mode::pipelined) {
      send();
    }
  }

  void send() {
    const bool slowly = mode_ == delivery_mode::octet_by_octet;
    store_.feed(std::exchange(unsent_, {}), slowly ? 1 : std::string_view::npos);
  }

  // Sends what is left and compares what was said since the last time.
  void flush() {
    send();
    const std::string said = store_.output().substr(compared_);
    compared_ = store_.output().size();
    const std::string difference = compare(patterns_, split_lines(said));
    if (!difference.empty()) {
      note(line_, difference);
    }
    patterns_.clear();
  }

  void take_event(const step& s) {
    if (s.text == "delivered") {
      store_.finish_delivery();
    } else if (s.text == "timed_out") {
      store_.on(sp::event_timed_out{});
    } else if (s.text == "shutting_down") {
      store_.on(sp::event_shutting_down{});
    } else if (s.text == "body_failed") {
      store_.on(sp::event_body_failed{failure_named("full")});
    } else {
      wrong(transcript_, s.line, "no such event");
    }
  }

  void take_message(const step& s) {
    compares_messages_ = true;
    if (!s.exact && s.text == "none") {
      return;
    }
    messages_ += s.exact ? 0 : 1;
    if (messages_ > store_.delivered().size()) {
      note(s.line, "this message was not delivered");
      return;
    }
    const delivered_message& m = store_.delivered()[messages_ - 1];
    if (s.exact) {
      note(s.line, m.octets == s.text ? "" : "the message has other octets: " + m.octets);
      return;
    }
    for (const std::string& word : words_of(s.text)) {
      const std::string key = word.substr(0, word.find('='));
      const std::string got = fmt::format("{}={}", key, fact(m, key));
      note(s.line, got == word ? "" : fmt::format("expected {}, got {}", word, got));
    }
  }

  void note(std::size_t line, const std::string& what) {
    if (trouble_.empty() && !what.empty()) {
      trouble_ = fmt::format("{}:{}: {}", transcript_.file.string(), line, what);
    }
  }

  const transcript& transcript_;
  delivery_mode mode_;
  scripted_store store_;
  std::string unsent_;
  std::vector<std::string> patterns_;
  std::size_t compared_ = 0;
  std::size_t line_ = 0;
  std::size_t messages_ = 0;
  bool compares_messages_ = false;
  bool expects_close_ = false;
  std::map<std::size_t, std::vector<std::string>> said_;
  std::size_t noted_ = 0;
  std::string trouble_;
};

} // namespace

store_script script_of(const transcript& t) {
  store_script script;
  for (const header& h : t.headers) {
    try {
      take_header(script, h.keyword, words_of(h.rest));
    } catch (const std::exception& e) {
      wrong(t, h.line, e.what());
    }
  }
  return script;
}

store_run run(const transcript& t, delivery_mode mode) {
  return walk(t, mode).result();
}

std::string client_octets(const transcript& t) {
  std::string out;
  for (const step& s : t.steps) {
    out += s.octets;
  }
  return out;
}

} // namespace homeward::transcripts
