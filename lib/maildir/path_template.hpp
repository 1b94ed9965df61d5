#pragma once
// From a mailbox to the place of its Maildir in a partition: a template of fixed text and the
// placeholders {domain}, {local} and {hash}, filled with encoded text that can neither leave the
// partition nor collide. docs/format/partition.md is the specification; change both or none.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.hpp"

namespace homeward::maildir {

inline constexpr std::string_view default_path_template = "{domain}/{local}/Maildir";
inline constexpr std::size_t max_component = 255; // octets, of every file system we know

// One part of a mailbox as text of a path component. Lower-case letters, digits, "._+=-" and
// letters beyond ASCII in well-formed UTF-8 stay; everything else, and a dot at the start, becomes
// %XX. Two different inputs never give the same output. Never ".", ".." or with a '/'; empty only
// for empty input.
[[nodiscard]] std::string encode_component(std::string_view text);

// Value type; safe to read from any thread.
class path_template {
 public:
  // The default template.
  path_template();
  // Refuses, in words for the operator, what is no relative path of good components, has unknown
  // placeholders, or lacks {local}. The failure is transient: the settings are wrong, not the mail.
  [[nodiscard]] static result<path_template> parse(std::string_view text);

  // The Maildir of a canonical mailbox, relative to the partition, e.g.
  // "example.org/ann/Maildir". Without '@' the domain is "_". Permanent failure (perm) when a
  // part is empty or becomes too long.
  [[nodiscard]] result<std::string> expand(std::string_view mailbox) const;

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  enum class part_kind : unsigned char { literal, domain, local, hash };
  struct part {
    part_kind kind = part_kind::literal;
    std::string literal;
  };
  std::string text_;
  std::vector<part> parts_;
};

} // namespace homeward::maildir
