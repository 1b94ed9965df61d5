#pragma once
// What this host's MTA may turn into something else before the directory has a say: aliases,
// .forward files, accounts. One state of it, immutable; any thread.

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "milter/knowledge/alias_names.hpp"

namespace homeward::milter {

using name_set = std::unordered_set<std::string>;

struct elsewhere {
  std::vector<std::shared_ptr<const alias_names>> tables;
  std::vector<std::shared_ptr<const name_set>> forwards; // local parts, in lower case
  std::shared_ptr<const name_set> accounts;              // null: not asked for, or not read yet
  // Sources that the settings name and that could never be read, for the reply and the log. While
  // there are any, a name that is not found may still be somebody.
  std::vector<std::string> missing;

  // An alias or a .forward file has the recipient: whatever the directory says, the MTA decides.
  [[nodiscard]] bool redirects(std::string_view local, std::string_view domain, bool is_local,
                               std::string_view delimiters) const;
  // Somebody with an account on this host: if the directory does not know the name, the MTA does.
  [[nodiscard]] bool has_account(std::string_view local, std::string_view delimiters) const;
};

} // namespace homeward::milter
