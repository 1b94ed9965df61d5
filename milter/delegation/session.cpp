#include "milter/delegation/session.hpp"

#include "lib/base/log.hpp"

namespace homeward::milter::delegation {

namespace {

void append_action(std::string& out, std::string_view action) {
  out += "action=";
  out += action;
  out += "\n\n";
}

void note(const request& r, const verdict& v, std::string_view action) {
  const bool passed = std::holds_alternative<pass>(v);
  log::write(passed ? log::level::debug : log::level::info, "policy verdict",
             {{"verdict", name_of(v)},
              {"at", r.protocol_state},
              {"recipient", r.recipient},
              {"sender", r.sender},
              {"client", r.client_address},
              {"queue_id", r.queue_id},
              {"action", action}});
}

} // namespace

std::size_t session::receive(std::string_view octets, std::string& out) {
  std::size_t taken = 0;
  while (taken < octets.size() && !ended() && out.size() < answering::enough_output) {
    taken += reader_.take(octets.substr(taken));
    if (reader_.bad() || reader_.whole()) {
      answer(out);
    }
  }
  return taken;
}

void session::answer(std::string& out) {
  if (reader_.bad()) {
    const try_later unreadable{{.code = mail::reply_451_temporary_fault,
                                .text = "the policy request cannot be read; try again later"}};
    append_action(out, action_for(unreadable));
    return;
  }
  const verdict v = judge_->judge_request(reader_.get());
  const std::string action = action_for(v);
  note(reader_.get(), v, action);
  append_action(out, action);
}

} // namespace homeward::milter::delegation
