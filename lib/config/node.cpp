#include "lib/config/node.hpp"

#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace homeward::config {

namespace {

std::size_t line_of(const YAML::Mark& mark) {
  return static_cast<std::size_t>(mark.line) + 1;
}

// Builds the tree from the parser's events. A stack of open lists and maps; a map expects a name
// and a value in turn.
class tree_builder final : public YAML::EventHandler {
 public:
  explicit tree_builder(const report& into) : into_(into) {}

  [[nodiscard]] node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    put({.type = node::kind::null, .line = line_of(mark)});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    into_.add_at(line_of(mark), "", "aliases (*name) are not understood here",
                 "write the value out");
    put({.type = node::kind::null, .line = line_of(mark)});
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                const std::string& value) override {
    // The parser gives the tag "!" to scalars in quotes and "?" to plain ones.
    const bool quoted = tag == "!";
    const bool is_null = !quoted && (value.empty() || value == "~" || value == "null");
    put({.type = is_null ? node::kind::null : node::kind::scalar,
         .line = line_of(mark),
         .text = value,
         .quoted = quoted});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/,
                       YAML::anchor_t /*anchor*/, YAML::EmitterStyle::value /*style*/) override {
    open_.push_back({.value = {.type = node::kind::list, .line = line_of(mark)}});
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    open_.push_back({.value = {.type = node::kind::map, .line = line_of(mark)}});
  }
  void OnMapEnd() override { close(); }

 private:
  struct opened {
    node value;
    bool has_name = false;
    std::string name = {};
    std::size_t name_line = 0;
  };

  void close() {
    node done = std::move(open_.back().value);
    open_.pop_back();
    put(std::move(done));
  }

  void put(node value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    opened& parent = open_.back();
    if (parent.value.type == node::kind::list) {
      parent.value.items.push_back(std::move(value));
    } else if (!parent.has_name) {
      if (value.type != node::kind::scalar) {
        into_.add_at(value.line, "", "a key must be a single word", "write it as key: value");
      }
      parent.has_name = true;
      parent.name = std::move(value.text);
      parent.name_line = value.line;
    } else {
      parent.has_name = false;
      // A value that is absent carries the line of what follows it; its name's line is meant.
      if (value.type == node::kind::null) {
        value.line = parent.name_line;
      }
      parent.value.members.push_back({std::move(parent.name), parent.name_line, std::move(value)});
    }
  }

  const report& into_;
  node root_ = {};
  std::vector<opened> open_ = {};
};

// The length of the UTF-8 sequence at `at`, 0 when there is none.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto octet = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = octet(at);
  std::size_t length = 0;
  if (first < 0x80U) {
    return first >= 0x20U || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
  }
  if (first >= 0xC2U && first < 0xE0U) {
    length = 2;
  } else if (first >= 0xE0U && first < 0xF0U) {
    length = 3;
  } else if (first >= 0xF0U && first < 0xF5U) {
    length = 4;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(at + i) & 0xC0U) != 0x80U) {
      return 0;
    }
  }
  return length;
}

// Notes the first octet that no text file has; the YAML library reads on over such octets.
bool check_text(std::string_view text, const report& into) {
  std::size_t line = 1;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) {
      into.add_at(
          line, "",
          fmt::format("the octet 0x{:02x} is not text", static_cast<unsigned char>(text[at])),
          "settings files are UTF-8; check the file, or restore it from a backup");
      return false;
    }
    line += text[at] == '\n' ? 1U : 0U;
    at += length;
  }
  return true;
}

} // namespace

node parse_yaml(std::string_view text, const report& into) {
  if (!check_text(text, into)) {
    return {};
  }
  // The library takes a quote that is never closed for closed when a line end follows last.
  const auto end = text.find_last_not_of(" \t\r\n");
  std::istringstream in{std::string(text.substr(0, end == std::string_view::npos ? 0 : end + 1))};
  tree_builder builder(into);
  try {
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) {
      return {};
    }
    node root = builder.take();
    tree_builder rest(into);
    if (parser.HandleNextDocument(rest)) {
      into.add_at(rest.take().line, "", "a second document begins here (after ---)",
                  "keep all settings in one document");
    }
    return root;
  } catch (const YAML::Exception& e) {
    const std::string hint =
        text.find('\t') != std::string_view::npos
            ? "the file has tabs: indent with spaces only"
            : "check the indentation, colons and quotes of this line and the one before";
    into.add_at(e.mark.is_null() ? 0 : line_of(e.mark), "", "this is not YAML (" + e.msg + ")",
                hint);
    return {};
  }
}

} // namespace homeward::config
