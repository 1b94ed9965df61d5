#pragma once
// Our own lines in files that belong to the administrator. They stand between two marks, so that
// they can be found, renewed and taken out again; every other line stays octet for octet. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace homeward::admin::mta {

// The marks, after the comment sign of the file: `dnl # ` in sendmail.mc, `# ` in tables.
inline constexpr std::string_view block_begin = "BEGIN homeward";
inline constexpr std::string_view block_end = "END homeward";

struct comment_style {
  std::string_view sign; // what makes the rest of a line a comment
};
inline constexpr comment_style table_comments{"# "};
inline constexpr comment_style m4_comments{"dnl # "};

// Lines of a text without their line ends; a missing last line end is remembered by join_lines'
// caller, who keeps `text.ends_with('\n')`.
[[nodiscard]] std::vector<std::string> split_lines(std::string_view text);
[[nodiscard]] std::string join_lines(const std::vector<std::string>& lines);

// The text without our blocks. A begin without its end is left alone: somebody edited it.
[[nodiscard]] std::string without_blocks(std::string_view text, comment_style style);
// Whether a mark stands without its partner, so that nobody can tell what is ours.
[[nodiscard]] bool has_broken_block(std::string_view text, comment_style style);
// A block of these lines, with its marks, every line ended.
[[nodiscard]] std::string block_of(const std::vector<std::string>& lines, comment_style style,
                                   std::string_view name = {});
// The text with exactly one block, at its end; no lines: without any.
[[nodiscard]] std::string with_block_at_end(std::string_view text,
                                            const std::vector<std::string>& lines,
                                            comment_style style);

// Where sendmail.mc takes our lines, as line numbers from 0: `features` before the first MAILER()
// or MAILER_DEFINITIONS, `mailers` behind the last MAILER(). Nothing when there is no MAILER()
// line.
struct mc_places {
  std::size_t features = 0;
  std::size_t mailers = 0;
};
[[nodiscard]] std::optional<mc_places> find_mc_places(const std::vector<std::string>& lines);

// sendmail.mc with our two blocks in their places and nowhere else; nothing when it has no MAILER()
// line. Doing it twice is doing it once.
[[nodiscard]] std::optional<std::string> with_mc_blocks(std::string_view mc,
                                                        const std::vector<std::string>& features,
                                                        const std::vector<std::string>& mailers);

// A table of "key value" lines in which ours take the place of the administrator's for some keys:
// his line stays where it is, behind a mark that makes it a comment.
inline constexpr std::string_view set_aside = "# set aside by homeward: ";
[[nodiscard]] std::string with_keys_set_aside(std::string_view table,
                                              const std::vector<std::string>& keys);
// The first word of a line, lower case; empty for comments and empty lines.
[[nodiscard]] std::string table_key(std::string_view line);

} // namespace homeward::admin::mta
