#pragma once
// What libmilter has to say goes into our log. The library writes to syslog(3) by itself, where a
// daemon in a container has nobody who listens.

namespace homeward::milter {

// From now on this program's own syslog() is the one that libmilter finds. Call it before libmilter
// is used; any number of times.
void take_over_libmilter_log();

} // namespace homeward::milter
