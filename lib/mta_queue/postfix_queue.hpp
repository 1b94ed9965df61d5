#pragma once
// The queue of a Postfix instance, as `postqueue -j` prints it: one JSON object a line
// (postqueue(1), "JSON OBJECT FORMAT").

#include <string>
#include <string_view>

#include "lib/base/failure.hpp"
#include "lib/mta_queue/waiting_message.hpp"

namespace homeward::mta_queue {

// One line. `spool` is the queue directory of the instance ("/var/spool/postfix"), `instance` its
// name. A permanent failure when it is no such object. Fields that are not known are passed over.
[[nodiscard]] result<waiting_message>
parse_postqueue_line(std::string_view line, const std::string& spool, const std::string& instance);

} // namespace homeward::mta_queue
