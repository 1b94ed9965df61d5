// The policy server: whatever comes, and in whatever pieces, each request gets one action of one
// printable line, the same one every time, and what is no request is never let through.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/clock.hpp"
#include "lib/base/log.hpp"

#include "milter/delegation/session.hpp"

using namespace homeward;
using namespace homeward::milter;

namespace {

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

// Standing by the first letter of the local part.
class by_letter final : public knowledge {
 public:
  [[nodiscard]] recipient_facts facts_of(const mail::address& recipient) const override {
    recipient_facts f;
    f.standing = static_cast<recipient_standing>(recipient.local.front() % 5);
    f.usage = mailbox_usage{byte_count{90}, byte_count{100}};
    return f;
  }
  [[nodiscard]] bool has_domain(std::string_view /*domain*/) const override { return false; }
  [[nodiscard]] bool complete() const override { return true; }
};

constexpr delegation::request_limits limits{.line = 200, .attributes = 20, .total = 1000};

// All that is said to `input` in pieces of `step` octets.
std::string talk(std::string_view input, std::size_t step) {
  static const by_letter known;
  static const system_clock_source clock;
  sender_rate rate(clock, {.recipients = 3, .period = std::chrono::hours(100'000)});
  delegation::counted_messages counted(10);
  delegation::session s(std::make_shared<const delegation::judgement>(delegation::judgement_parts{
                            known, rate, [] { return rules{}; }, counted}),
                        limits);
  std::string all;
  while (!input.empty() && !s.ended()) {
    std::string_view piece = input.substr(0, step);
    input.remove_prefix(piece.size());
    while (!piece.empty() && !s.ended()) {
      std::string out;
      const std::size_t taken = s.receive(piece, out);
      require(taken > 0 && taken <= piece.size(), "something is taken");
      require(out.size() < answering::enough_output + 1000, "output is bounded");
      piece.remove_prefix(taken);
      all += out;
    }
  }
  require(s.ended() == !s.fault().empty(), "an end has a reason");
  require(!s.ended() || all.ends_with("action=451 4.3.0 the policy request cannot be read; try "
                                      "again later\n\n"),
          "nothing passes unread");
  require(counted.size() <= 10, "memory is bounded");
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
  for (std::string_view rest = all; !rest.empty();) {
    const std::size_t end = rest.find("\n\n");
    require(rest.starts_with("action=") && end != std::string_view::npos, "an answer is an action");
    for (const char c : rest.substr(0, end)) {
      require(static_cast<std::uint8_t>(c) >= 0x20 && c != 0x7F, "an action is printable");
    }
    rest.remove_prefix(end + 2);
  }
  return 0;
}
