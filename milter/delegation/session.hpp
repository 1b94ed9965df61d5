#pragma once
// The policy server without its socket: requests of Postfix in, actions out. Postfix keeps its
// connections open and sends one request after the other; requests sent without waiting are
// answered in order. Pure; one thread at a time.
//
// What is no request is answered "451 4.3.0", because a server that only hangs up makes Postfix ask
// again a second later, and then the connection ends. So nothing passes unjudged.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "milter/answering/conversation.hpp"
#include "milter/delegation/judgement.hpp"
#include "milter/delegation/request_reader.hpp"

namespace homeward::milter::delegation {

class session final : public answering::conversation {
 public:
  // `judge` may be shared by all sessions. A request beyond the limits ends the session.
  explicit session(std::shared_ptr<const judgement> judge, request_limits limits = {})
      : judge_(std::move(judge)), reader_(limits) {}

  // As conversation.hpp says. Every request gets one answer, also the one that cannot be read.
  [[nodiscard]] std::size_t receive(std::string_view octets, std::string& out) override;
  [[nodiscard]] bool ended() const override { return reader_.bad(); }
  [[nodiscard]] bool idle() const override { return reader_.between(); }
  [[nodiscard]] std::string_view fault() const override { return reader_.fault(); }

 private:
  void answer(std::string& out);

  std::shared_ptr<const judgement> judge_;
  request_reader reader_;
};

} // namespace homeward::milter::delegation
