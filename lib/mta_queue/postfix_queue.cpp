#include "lib/mta_queue/postfix_queue.hpp"

#include <nlohmann/json.hpp>

namespace homeward::mta_queue {

namespace {

using json = nlohmann::json;

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

waiting_state state_of(std::string_view queue) {
  if (queue == "hold") {
    return waiting_state::held;
  }
  if (queue == "corrupt") {
    return waiting_state::lost;
  }
  return queue == "active" ? waiting_state::active : waiting_state::waiting;
}

} // namespace

result<waiting_message> parse_postqueue_line(std::string_view line, const std::string& spool,
                                             const std::string& instance) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) {
    return permanent_failure(failure_reason::syntax,
                             "postqueue -j printed a line that is no object");
  }
  const std::string queue = text_at(object, "queue_name");
  waiting_message m;
  m.id = text_at(object, "queue_id");
  if (queue.empty() || m.id.empty()) {
    return permanent_failure(failure_reason::syntax,
                             "postqueue -j printed a message without queue or id");
  }
  m.directory = spool + '/' + queue;
  m.group = instance;
  m.state = state_of(queue);
  const auto arrived = object.find("arrival_time");
  m.arrived =
      arrived != object.end() && arrived->is_number_integer() ? arrived->get<std::int64_t>() : 0;
  const auto recipients = object.find("recipients");
  if (recipients != object.end() && recipients->is_array()) {
    for (const json& r : *recipients) {
      m.recipients.push_back(
          {.address = text_at(r, "address"), .reason = text_at(r, "delay_reason")});
    }
  }
  return m;
}

} // namespace homeward::mta_queue
