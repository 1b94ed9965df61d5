#pragma once
// Words in man(7) source. Texts go in as plain text; nothing in them can become a request.

#include <string>
#include <string_view>

namespace homeward::config::roff {

// `words` on one line, with backslashes, hyphens and leading dots made harmless. Words in
// `backquotes` become bold.
[[nodiscard]] std::string text(std::string_view words);
// The same as one argument of a request, in quotes.
[[nodiscard]] std::string argument(std::string_view words);
// Bold.
[[nodiscard]] std::string literal(std::string_view words);

// The first line of a page.
[[nodiscard]] std::string title(std::string_view name, int section);
// A tagged paragraph: the name in bold, then the facts, and the text that follows.
[[nodiscard]] std::string item(std::string_view name, std::string_view facts);
// Paragraphs separated by empty lines; every one but the first begins with `request`. Indented
// lines are shown as they are.
[[nodiscard]] std::string paragraphs(std::string_view plain, std::string_view request);

} // namespace homeward::config::roff
