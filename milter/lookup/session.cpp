#include "milter/lookup/session.hpp"

#include "lib/base/log.hpp"

namespace homeward::milter::lookup {

std::size_t session::receive(std::string_view octets, std::string& out) {
  std::size_t taken = 0;
  while (taken < octets.size() && !ended() && out.size() < answering::enough_output) {
    taken += reader_.take(octets.substr(taken));
    if (reader_.whole()) {
      answer_to(reader_.content(), out);
    }
  }
  return taken;
}

void session::answer_to(std::string_view request, std::string& out) {
  const std::size_t space = request.find(' ');
  const std::string_view map = request.substr(0, space);
  const std::string_view key =
      space == std::string_view::npos ? std::string_view{} : request.substr(space + 1);
  const std::string text = to_text(answers_->ask(map, key));
  if (!maps::has(map) && !unknown_map_noted_) {
    unknown_map_noted_ = true;
    log::warning("a look-up in a map that there is not; it was answered \"try later\"",
                 {{"map", map}, {"next", "correct the map's name in the MTA's configuration"}});
  }
  log::debug("look-up", {{"map", map}, {"key", key}, {"answer", text}});
  append_netstring(out, text);
}

} // namespace homeward::milter::lookup
