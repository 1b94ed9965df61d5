#pragma once
// The log lines of deliveries, one per recipient, in one place so that they stay searchable:
// "message stored", "message repeated", "message refused".

#include <chrono>
#include <string>

#include "lib/base/failure.hpp"
#include "lib/maildir/writer.hpp"

#include "stored/delivery/delivery_request.hpp"

namespace homeward::stored {

// `answered`: the client was told; otherwise it gave up before and its repeat will find the mail
// here.
void log_stored(const delivery_request& r, const std::string& mailbox, const maildir::filed& file,
                std::chrono::nanoseconds took, bool answered);
// It was here already, under `name`.
void log_repeat(const delivery_request& r, const std::string& mailbox, const std::string& name);
void log_refused(const delivery_request& r, const std::string& mailbox, const failure& why);

} // namespace homeward::stored
