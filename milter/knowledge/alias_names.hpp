#pragma once
// Which names an MTA's alias stage knows, read from the text files that administrators edit. Only
// the names matter: what they lead to is the MTA's business. Pure; any thread.
//
// Two formats: aliases(5), as sendmail's newaliases and Postfix's postalias read it, and the
// sources of postmap(1) and makemap(8), such as virtual alias maps and virtusertable.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace homeward::milter {

enum class alias_format : std::uint8_t {
  aliases, // name: value; quoted names, comments, continuation lines
  postfix, // key value; keys are user, user@domain or @domain
};

// A line that is no entry. The MTA's own tools refuse it, too, so nothing is lost by leaving it
// out.
struct alias_problem {
  std::size_t line = 0; // from 1
  std::string what;

  friend bool operator==(const alias_problem&, const alias_problem&) = default;
};

// The longest name in octets; a longer one is a problem.
inline constexpr std::size_t longest_alias = 512;
// Problems that are kept; all are counted.
inline constexpr std::size_t kept_alias_problems = 10;

// All in lower case (ASCII), quotes removed.
struct alias_names {
  std::unordered_set<std::string> locals;    // without a domain: "ann", "ann+lists", "ann+*"
  std::unordered_set<std::string> addresses; // "ann@example.org"
  std::unordered_set<std::string> domains;   // of "@example.org": everybody there
  std::vector<alias_problem> problems;
  std::size_t problem_count = 0;

  [[nodiscard]] std::size_t size() const {
    return locals.size() + addresses.size() + domains.size();
  }
  // True when the alias stage has an entry for local@domain, or for what remains of it without its
  // detail, or for everybody in the domain. `domain` in lower case; names without a domain count
  // when `is_local`: the alias file applies to the domain. `delimiters` as in address_rules.
  [[nodiscard]] bool cover(std::string_view local, std::string_view domain, bool is_local,
                           std::string_view delimiters) const;
};

// Reads the whole text of a file; never fails, whatever the octets are.
[[nodiscard]] alias_names parse_alias_names(std::string_view text, alias_format format);

// ASCII letters to lower case, all else as it is.
[[nodiscard]] std::string lower_case(std::string_view text);

// The names to look for: the local part as it is, and without its detail ("ann+a+b": "ann+a+b",
// "ann+*", "ann"). In lower case.
[[nodiscard]] std::vector<std::string> alias_keys(std::string_view local,
                                                  std::string_view delimiters);

} // namespace homeward::milter
