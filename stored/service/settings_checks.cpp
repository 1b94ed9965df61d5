#include "stored/service/settings_checks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "lib/maildir/identity.hpp"
#include "lib/net/address_list.hpp"
#include "lib/net/endpoint.hpp"

namespace homeward::stored {

std::string check_partition_name(const std::string& name) {
  return maildir::is_partition_name(name)
             ? ""
             : "is not a partition name; use 1 to 64 of A-Z a-z 0-9 . _ - without a leading dot";
}

std::string check_farm(const std::string& name) {
  return !name.empty() && name.size() <= journal::max_farm_name && maildir::is_partition_name(name)
             ? ""
             : "is not a farm name; use 1 to 64 of A-Z a-z 0-9 . _ - without a leading dot";
}

std::string check_networks(const std::vector<std::string>& networks) {
  const auto parsed = net::address_list::parse(networks);
  return parsed ? "" : "holds no list of networks: " + parsed.error().what;
}

void check_listeners(const settings& s, const config::report& into) {
  if (s.fixed.listen.empty()) {
    into.add("listen", "is empty", "name at least one address");
  }
  for (std::size_t i = 0; i < s.fixed.listen.size(); ++i) {
    const auto where = net::parse_endpoint(s.fixed.listen[i].address);
    if (!where->is_local() && s.fixed.cleartext_beyond_loopback != cleartext::accept_the_risk) {
      into.add(fmt::format("listen[{}].address", i),
               "can be reached from other hosts, and the storage protocol is not encrypted",
               "listen on 127.0.0.1, [::1] or a unix socket, or write "
               "\"cleartext_beyond_loopback: accept-the-risk\"");
    }
  }
}

void check_partitions(const settings& s, const config::report& into) {
  const std::vector<partition_settings>& all = s.live.partitions;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto same_path = [&](const partition_settings& p) { return p.path == all[i].path; };
    const auto first = std::find_if(all.begin(), all.end(), same_path);
    if (first->name != all[i].name) {
      into.add(fmt::format("partitions[{}].path", i),
               "is the path of partition " + first->name + " too",
               "every partition needs a directory of its own");
    }
  }
}

void check_numbers(const settings& s, const config::report& into) {
  if (s.fixed.workers.per_partition >= s.fixed.workers.workers) {
    into.add("threads.filing_per_partition", "leaves no thread to other partitions",
             fmt::format("write less than threads.filing, which is {}", s.fixed.workers.workers));
  }
  if (s.fixed.message_memory > s.live.memory) {
    into.add("limits.message_memory", "is more than limits.memory", "make it smaller");
  }
  if (s.live.sessions.per_peer > s.live.sessions.total) {
    into.add("limits.sessions_per_peer", "is more than limits.sessions", "make it smaller");
  }
}

} // namespace homeward::stored
