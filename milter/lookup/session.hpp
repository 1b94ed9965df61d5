#pragma once
// The look-up server without its socket: socketmap requests in, answers out. One request is the
// netstring of "<map> <key>", one answer the netstring of answer.hpp's text. Any number of requests
// may be sent without waiting; they are answered in order. Pure; one thread at a time.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "milter/answering/conversation.hpp"
#include "milter/lookup/maps.hpp"
#include "milter/lookup/netstring.hpp"

namespace homeward::milter::lookup {

// The longest request in octets. Postfix's own limit for an SMTP line is 2,048.
inline constexpr std::size_t longest_request = 4096;

class session final : public answering::conversation {
 public:
  // `answers` may be shared by all sessions. A request longer than `longest` octets ends the
  // session.
  explicit session(std::shared_ptr<const maps> answers, std::size_t longest = longest_request)
      : answers_(std::move(answers)), reader_(longest) {}

  // As conversation.hpp says. What came before a request that cannot be read is answered; that one
  // is not, because nobody could tell which answer belongs to it.
  [[nodiscard]] std::size_t receive(std::string_view octets, std::string& out) override;
  [[nodiscard]] bool ended() const override { return reader_.bad(); }
  [[nodiscard]] bool idle() const override { return reader_.between(); }
  [[nodiscard]] std::string_view fault() const override { return reader_.fault(); }

 private:
  void answer_to(std::string_view request, std::string& out);

  std::shared_ptr<const maps> answers_;
  netstring_reader reader_;
  bool unknown_map_noted_ = false; // one line in the log for each connection will do
};

} // namespace homeward::milter::lookup
