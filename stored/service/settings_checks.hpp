#pragma once
// What is checked of the settings beyond types and bounds. The check_* of one value return what is
// wrong with it, as config::options asks; the others look at several values.

#include <string>
#include <vector>

#include "lib/config/report.hpp"

#include "stored/service/settings.hpp"

namespace homeward::stored {

[[nodiscard]] std::string check_partition_name(const std::string& name);
[[nodiscard]] std::string check_farm(const std::string& name);
[[nodiscard]] std::string check_networks(const std::vector<std::string>& networks);

void check_listeners(const settings& s, const config::report& into);
void check_partitions(const settings& s, const config::report& into);
void check_numbers(const settings& s, const config::report& into);

} // namespace homeward::stored
