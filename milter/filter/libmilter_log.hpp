#pragma once
// What libmilter has to say goes into our log. The library writes to syslog(3) by itself, where a
// daemon in a container has nobody who listens.

#include "milter/filter/log_queue.hpp"

namespace homeward::milter {

// From now on this program's own syslog() is the one that libmilter finds, and its lines go to
// `lines`, which must outlive libmilter's threads. Call it before libmilter is used.
void take_over_libmilter_log(log_queue& lines);

} // namespace homeward::milter
