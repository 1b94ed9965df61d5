#include "admin/store_talk.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include "lib/net/endpoint.hpp"
#include "lib/net/stream.hpp"
#include "lib/store_protocol/limits.hpp"

namespace homeward::admin {

namespace asio = boost::asio;

namespace {

template <class T>
asio::awaitable<void> keep(asio::awaitable<T> work, std::optional<T>& into) {
  into.emplace(co_await std::move(work));
}

// Runs one piece of work to its end, and no longer: the stream's timer may still be set.
template <class T>
T run(asio::io_context& context, asio::awaitable<T> work) {
  std::optional<T> outcome;
  asio::co_spawn(context, keep(std::move(work), outcome), [](const std::exception_ptr& bug) {
    if (bug) {
      std::rethrow_exception(bug);
    }
  });
  context.restart();
  while (!outcome) {
    context.run_one();
  }
  return std::move(*outcome);
}

std::chrono::nanoseconds left(steady_time give_up) {
  return std::max<std::chrono::nanoseconds>(give_up - std::chrono::steady_clock::now(),
                                            std::chrono::milliseconds(1));
}

} // namespace

struct store_talk::state {
  asio::io_context context;
  std::optional<net::stream> stream; // lives on context, and ends before it
  std::string endpoint;
  steady_time give_up;
  std::string unread;

  failure lost(std::string_view doing, const boost::system::error_code& error) const {
    return transient_failure(fmt::format("the store at {} does not answer", endpoint),
                             fmt::format("{}: {}", doing, error.message()),
                             "Is stored running there, and does it allow this host? See its log.");
  }
};

store_talk::store_talk(std::unique_ptr<state> s) : state_(std::move(s)) {}
store_talk::store_talk(store_talk&&) noexcept = default;
store_talk& store_talk::operator=(store_talk&&) noexcept = default;
store_talk::~store_talk() = default;

const std::string& store_talk::endpoint() const {
  return state_->endpoint;
}

result<store_talk> store_talk::open(const directory::server& server, steady_time give_up) {
  if (server.endpoints.empty()) {
    failure f = transient_failure("server " + server.name + " has no address");
    f.advice = "Give it one: homewardctl server set " + server.name + " --endpoint HOST:PORT.";
    return f;
  }
  std::string tried;
  for (const auto& text : server.endpoints) {
    const auto endpoint = net::parse_endpoint(text);
    if (endpoint.has_error()) {
      tried += fmt::format("{}{}: {}", tried.empty() ? "" : "; ", text, endpoint.error().what);
      continue;
    }
    auto s = std::make_unique<state>();
    s->endpoint = text;
    s->give_up = give_up;
    auto stream = run(s->context, net::connect(*endpoint, left(give_up)));
    if (stream.has_value()) {
      s->stream.emplace(std::move(*stream));
      return store_talk(std::move(s));
    }
    tried += fmt::format("{}{}: {}", tried.empty() ? "" : "; ", text,
                         stream.error().cause.empty() ? stream.error().what : stream.error().cause);
  }
  return transient_failure("server " + server.name + " cannot be reached", tried,
                           "Is stored running there? Does a firewall stand between? Addresses are "
                           "changed with `homewardctl server set`.");
}

result<store_protocol::reply> store_talk::ask(std::string_view octets) {
  state& s = *state_;
  const auto written = run(s.context, s.stream->write_all(asio::buffer(octets), left(s.give_up)));
  // A store that refuses speaks before it closes: its words are worth more than the error.
  constexpr std::size_t longest = store_protocol::limits{}.line;
  std::array<char, 4096> piece = {};
  while (s.unread.find('\n') == std::string::npos && s.unread.size() <= longest) {
    const auto got = run(s.context, s.stream->read_some(asio::buffer(piece), left(s.give_up)));
    if (got.error) {
      return s.lost(written ? "write" : "read", written ? written : got.error);
    }
    s.unread.append(piece.data(), got.octets);
  }
  const auto end = s.unread.find('\n');
  std::string line = s.unread.substr(0, end);
  s.unread.erase(0, end == std::string::npos ? s.unread.size() : end + 1);
  if (line.ends_with('\r')) {
    line.pop_back();
  }
  auto parsed = store_protocol::parse_reply(line);
  if (parsed.has_error()) {
    return transient_failure(fmt::format("{} does not speak the storage protocol", s.endpoint),
                             parsed.error().what,
                             "Is this the address of stored, and not of something else?");
  }
  return parsed;
}

result<store_features> store_talk::features() {
  const auto answer = ask("CAPA RESULTS PARAMS LOAD\r\n");
  if (answer.has_error()) {
    return answer.error();
  }
  store_features f;
  if (!answer->ok) {
    return f;
  }
  std::string_view words = answer->text;
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    const auto word = words.substr(0, end);
    f.rset = f.rset || word == "RSET";
    f.results = f.results || word == "RESULTS";
    f.params = f.params || word == "PARAMS";
    f.load = f.load || word == "LOAD";
    if (word.starts_with("SERVER=")) {
      f.software = word.substr(7);
    }
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return f;
}

std::string to_text(const store_protocol::reply& r) {
  std::string text = r.ok ? "+OK" : "-ERR";
  if (!r.code.empty()) {
    text += " [" + r.code;
    for (const auto& argument : r.arguments) {
      text += ' ' + argument;
    }
    for (const auto& [key, value] : r.pairs) {
      text += fmt::format(" {}={}", key, value);
    }
    text += ']';
  }
  return r.text.empty() ? text : text + ' ' + r.text;
}

} // namespace homeward::admin
