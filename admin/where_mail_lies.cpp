#include "admin/where_mail_lies.hpp"

#include <fmt/format.h>

#include "lib/maildir/path_template.hpp"

namespace homeward::admin {

std::string default_maildir(std::string_view mailbox) {
  const auto path = maildir::path_template().expand(mailbox);
  return path.has_value() ? *path : std::string{};
}

std::string where_mail_lies(std::string_view mailbox, const directory::partition& p) {
  const std::string below = default_maildir(mailbox);
  if (p.kind == directory::partition_kind::path) {
    return p.path + '/' + below;
  }
  return fmt::format("{} beneath partition {} on server {}", below, p.id.directory, p.id.server);
}

} // namespace homeward::admin
