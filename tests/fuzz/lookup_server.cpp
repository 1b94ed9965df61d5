// The look-up server: whatever comes, and in whatever pieces, the answers are whole netstrings of
// one printable line each, the same ones every time, and memory stays bounded.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/clock.hpp"
#include "lib/base/log.hpp"
#include "lib/directory/replica.hpp"

#include "milter/lookup/session.hpp"

using namespace homeward;
using namespace homeward::milter;

namespace {

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

class nobody final : public knowledge {
 public:
  [[nodiscard]] recipient_facts facts_of(const mail::address& /*recipient*/) const override {
    return {};
  }
  [[nodiscard]] bool has_domain(std::string_view domain) const override {
    return domain == "example.org";
  }
  [[nodiscard]] bool complete() const override { return true; }
};

// A directory of two users, made once.
class two_users final : public directory::engine {
 public:
  [[nodiscard]] std::string description() const override { return "two users"; }
  [[nodiscard]] result<directory::position> load(directory::receiver& into) override {
    into.put(directory::server{.name = "store1", .endpoints = {"[::1]:2400"}});
    into.put(directory::partition{.id = {"store1", "mail1"}});
    into.put(
        directory::user{.mailbox = "ann@example.org", .where = {.primary = {"store1", "mail1"}}});
    into.put(directory::user{
        .mailbox = "gone@example.org",
        .where = {.primary = {"store1", "mail1"}, .state = directory::user_state::disabled}});
    return directory::position{.generation = "1", .change = 1};
  }
  [[nodiscard]] result<std::optional<directory::position>>
  changes_since(const directory::position& known, directory::receiver& /*into*/) override {
    return std::optional(known);
  }
  [[nodiscard]] result<std::vector<directory::server>> servers() override { return no(); }
  [[nodiscard]] result<std::vector<directory::partition>> partitions() override { return no(); }
  [[nodiscard]] result<std::vector<directory::partition_use>> usage() override { return no(); }
  [[nodiscard]] result<std::optional<directory::user>>
  find_user(std::string_view /*mailbox*/) override {
    return no();
  }
  [[nodiscard]] result<void>
  each_user(const directory::user_filter& /*filter*/,
            const std::function<bool(const directory::user&)>& /*visit*/) override {
    return no();
  }
  [[nodiscard]] result<std::unique_ptr<directory::edit>> begin() override { return no(); }

 private:
  static failure no() { return transient_failure("not asked"); }
};

std::shared_ptr<const lookup::maps> make_maps() {
  static const nobody known;
  static const system_clock_source clock;
  static directory::replica replica(clock);
  static two_users users;
  require(replica.refresh(users).has_value(), "the directory is read");
  static const auto rules = std::make_shared<const mail::address_rules>(mail::address_rules{
      .default_domain = "example.org", .catch_all = {{"caught.example", "ann@example.org"}}});
  return std::make_shared<const lookup::maps>(
      lookup::sources{known, [] { return rules; }, [] { return replica.view(); }, {}});
}

void check_answer(std::string_view text) {
  require(text.starts_with("OK ") || text == "NOTFOUND " || text.starts_with("TEMP "),
          "an answer is one of three");
  require(text.size() < 5000, "an answer is short");
  for (const char c : text) {
    require(static_cast<std::uint8_t>(c) >= 0x20 && c != 0x7F, "an answer is printable");
  }
}

// All that is said to `input` in pieces of `step` octets.
std::string talk(std::string_view input, std::size_t step) {
  static const auto maps = make_maps();
  lookup::session s(maps, 200);
  std::string all;
  while (!input.empty() && !s.ended()) {
    std::string_view piece = input.substr(0, step);
    input.remove_prefix(piece.size());
    while (!piece.empty() && !s.ended()) {
      std::string out;
      const std::size_t taken = s.receive(piece, out);
      require(taken > 0 && taken <= piece.size(), "something is taken");
      require(out.size() < answering::enough_output + 6000, "output is bounded");
      piece.remove_prefix(taken);
      all += out;
    }
  }
  require(s.ended() == !s.fault().empty(), "an end has a reason");
  return all;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  static const bool quiet = (log::set_level(log::level::error), true);
  require(quiet, "nothing is logged");
  const std::string all = talk(input, std::max<std::size_t>(size, 1));
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{64}}) {
    require(talk(input, step) == all, "pieces do not matter");
  }
  lookup::netstring_reader reader(10'000);
  for (std::string_view rest = all; !rest.empty();) {
    rest.remove_prefix(reader.take(rest));
    require(!reader.bad() && reader.whole(), "answers are netstrings");
    check_answer(reader.content());
  }
  return 0;
}
