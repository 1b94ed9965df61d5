// Any octets as the replies of a store, while the bridge has transactions under way: success is
// only reported for a recipient whose own +OK was read, every transaction ends exactly once with an
// outcome for everybody, and after an anomaly the connection stays dead.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/store_protocol/client_session.hpp"

namespace {

using namespace homeward;
using namespace homeward::store_protocol;

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

constexpr std::size_t most_usages = 3;

class driver {
 public:
  driver(const limits& l, std::size_t recipients, bool base)
      : session_(l), recipients_(recipients) {
    session_.open(base);
    perform();
    next();
  }

  void reply(std::string_view octets) {
    std::string rest(octets);
    while (!rest.empty()) {
      const bool was_closed = session_.closed();
      const std::size_t taken = session_.receive(rest);
      require(taken <= rest.size(), "no more is taken than given");
      require(taken == rest.size() || session_.waits_for() == client_waits_for::writing ||
                  session_.closed(),
              "octets are only left while the message is written");
      read_ += rest.substr(0, taken);
      rest.erase(0, taken);
      perform();
      require(!was_closed || session_.closed(), "closed is for ever");
      if (session_.waits_for() == client_waits_for::writing) {
        session_.on(event_body_sent{});
        perform();
      }
      next();
    }
  }

  void end() {
    session_.on(event_connection_lost{transient_failure("connection reset")});
    perform();
    require(session_.closed() && !session_.ready(), "a lost connection is closed");
    require(started_ == finished_, "every transaction ends");
    require(closes_ == 1, "one close");
  }

 private:
  // One transaction after the other, with a probe and a listing between them.
  void next() {
    if (!session_.ready() || started_ == 3) {
      return;
    }
    if (started_ == 1 && !probed_) {
      probed_ = true;
      session_.probe();
      perform();
      next();
      return;
    }
    if (started_ == 2 && !listed_) {
      listed_ = true;
      session_.list_full();
      perform();
      next();
      return;
    }
    envelope e;
    e.size = {3};
    e.name = {7, "k" + std::to_string(started_), "o"};
    e.partition = "p";
    e.has_sender = true;
    for (std::size_t i = 0; i < recipients_; ++i) {
      e.recipients.push_back({std::string(1, static_cast<char>('a' + i)) + "@y", {}, 0, {}});
    }
    current_ = e;
    ++started_;
    read_.clear();
    session_.start(e);
    perform();
  }

  void perform() {
    while (auto action = session_.next_action()) {
      require(closes_ == 0, "nothing follows a close");
      if (auto* finished = std::get_if<action_finished>(&*action)) {
        ++finished_;
        require(finished_ == started_, "a transaction ends once");
        check(finished->outcomes);
      } else if (const auto* listing = std::get_if<action_listed>(&*action)) {
        check(listing->usages);
      } else if (std::holds_alternative<action_close>(*action)) {
        ++closes_;
        require(session_.closed(), "a close means closed");
      }
    }
  }

  void check(const std::vector<outcome>& outcomes) const {
    require(outcomes.size() == recipients_, "an outcome for everybody");
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (!outcomes[i]) {
        continue;
      }
      const bool results = session_.features().results;
      const std::string own = "<" + current_.recipients[i].mailbox + ">";
      const std::string key = "." + current_.name.key + ".";
      require(!results || has_line("+OK [STORED ", key, own), "success was told by the own +OK");
      require(results || oks() >= 6, "six +OK for a success of a store without RESULTS");
    }
  }

  static void check(const std::vector<mailbox_usage>& usages) {
    require(usages.size() <= most_usages, "no more mailboxes than the limit");
    for (const mailbox_usage& u : usages) {
      require(!u.partition.empty() && !u.mailbox.empty() && u.limit.octets != 0,
              "a mailbox that is told has a name and a limit");
    }
  }

  // What was read since the transaction began, as lines.
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> out;
    std::size_t at = 0;
    for (std::size_t end = 0; (end = read_.find("\r\n", at)) != std::string::npos; at = end + 2) {
      out.push_back(read_.substr(at, end - at));
    }
    return out;
  }
  [[nodiscard]] bool has_line(std::string_view begin, std::string_view key,
                              std::string_view own) const {
    const auto all = lines();
    return std::any_of(all.begin(), all.end(), [&](const std::string& line) {
      return line.starts_with(begin) && line.find(key) != std::string::npos &&
             line.find(own) != std::string::npos;
    });
  }
  [[nodiscard]] std::size_t oks() const {
    const auto all = lines();
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [](const std::string& line) { return line.starts_with("+OK"); }));
  }

  client_session session_;
  std::size_t recipients_;
  envelope current_;
  std::string read_; // since the transaction began
  int started_ = 0;
  int finished_ = 0;
  int closes_ = 0;
  bool probed_ = false;
  bool listed_ = false;
};

} // namespace

// First octet: what the bridge does; second: how the replies are cut. The rest is the store.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  limits l;
  l.line = 150;
  l.usages = most_usages;
  l.window = (data[0] & 1U) != 0 ? 2 : 100;
  l.eager_body = {(data[0] & 2U) != 0 ? 0U : 100U};
  const std::size_t recipients = 1 + (data[0] >> 2U & 3U);
  driver bridge(l, recipients, (data[0] & 16U) != 0);
  const bool by_octet = data[1] == 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::uint32_t state = data[1];
  while (!rest.empty()) {
    state = state * 1664525U + 1013904223U;
    const std::size_t n =
        by_octet ? 1 : std::min<std::size_t>(rest.size(), 1 + (state >> 24U) % (1U + data[1]));
    bridge.reply(rest.substr(0, n));
    rest.remove_prefix(n);
  }
  bridge.end();
  return 0;
}
