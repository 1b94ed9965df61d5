#include "stored/delivery/delivery_log.hpp"

#include "lib/base/log.hpp"

namespace homeward::stored {

void log_stored(const delivery_request& r, const std::string& mailbox, const maildir::filed& file,
                std::chrono::nanoseconds took, bool answered) {
  log::info("message stored",
            {{"partition", r.envelope.partition},
             {"mailbox", mailbox},
             {"file", file.file_name},
             {"sender", r.envelope.sender},
             {"octets", r.envelope.size.octets},
             {"peer", r.peer},
             {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()},
             {"answer", answered ? "given" : "too late, the repeat will find it"}});
}

void log_repeat(const delivery_request& r, const std::string& mailbox, const std::string& name) {
  log::info("message repeated", {{"partition", r.envelope.partition},
                                 {"mailbox", mailbox},
                                 {"name", name},
                                 {"sender", r.envelope.sender},
                                 {"peer", r.peer}});
}

void log_refused(const delivery_request& r, const std::string& mailbox, const failure& why) {
  log::warning("message refused", {{"partition", r.envelope.partition},
                                   {"mailbox", mailbox},
                                   {"name", to_string(r.envelope.name)},
                                   {"sender", r.envelope.sender},
                                   {"octets", r.envelope.size.octets},
                                   {"peer", r.peer},
                                   {"failure", why}});
}

} // namespace homeward::stored
