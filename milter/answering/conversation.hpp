#pragma once
// One client's conversation with a door that answers questions from memory: octets in, octets out,
// each question answered before the next one is looked at. Pure; the driver (connection.hpp) owns
// the socket.

#include <cstddef>
#include <string>
#include <string_view>

namespace homeward::milter::answering {

// Implementations: lookup::session and delegation::session.
class conversation {
 public:
  conversation() = default;
  conversation(const conversation&) = delete;
  conversation& operator=(const conversation&) = delete;
  virtual ~conversation() = default;

  // Takes octets from the client, in pieces of any size, and appends the answers to all questions
  // that became complete, in order. Returns how many octets were taken: all, or fewer once `out`
  // holds a good deal (then it goes to the client first) or the conversation has ended. Takes at
  // least one unless it has ended.
  [[nodiscard]] virtual std::size_t receive(std::string_view octets, std::string& out) = 0;

  // True after a question that could not be read: what follows cannot be told apart, so the
  // connection closes once the answers are out.
  [[nodiscard]] virtual bool ended() const = 0;
  // True between two questions: a stop of the daemon interrupts nothing here.
  [[nodiscard]] virtual bool idle() const = 0;
  // Why it ended, in words for the log; "" when it did not.
  [[nodiscard]] virtual std::string_view fault() const = 0;
};

// receive() stops when `out` has grown to this, so that a client that asks and never reads costs a
// bounded amount of memory.
inline constexpr std::size_t enough_output = 64U << 10U;

} // namespace homeward::milter::answering
