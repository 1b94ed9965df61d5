// Every broken settings text with the whole message that the operator reads.

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/config/example_table.hpp"

namespace homeward::config {
namespace {

struct bad_text {
  const char* name;
  std::string text;
  std::string expected; // all lines
};

class bad_settings : public ::testing::TestWithParam<bad_text> {};

TEST_P(bad_settings, says_where_and_what) {
  const auto parsed = testing::make_table().parse_text(GetParam().text, "x.yaml");
  ASSERT_TRUE(parsed.has_error());
  EXPECT_EQ(to_string(parsed.error()), GetParam().expected);
}

const bad_text texts[] = {
    {"unknown_key", "lmtp:\n  lsiten: x\n",
     "x.yaml:2: lmtp.lsiten: is not a known setting; did you mean lmtp.listen?\n"},
    {"unknown_section", "imap:\n  port: 143\n",
     "x.yaml:1: imap: is not a known setting; see the manual page for all settings, or remove "
     "it\n"},
    {"known_elsewhere", "idle_timeout: 5m\n",
     "x.yaml:1: idle_timeout: is not a known setting; did you mean lmtp.idle_timeout?\n"},
    {"dotted", "lmtp.listen: x\n",
     "x.yaml:1: lmtp.listen: is not a key; write it nested: `lmtp:`, and below it, indented, "
     "`listen:`\n"},
    {"duration_misspelt", "lmtp:\n  idle_timeout: 5 minuts\n",
     "x.yaml:2: lmtp.idle_timeout: \"5 minuts\" is not a duration; write it as 30s, 5m or 2h\n"},
    {"duration_without_unit", "lmtp:\n  idle_timeout: 300\n",
     "x.yaml:2: lmtp.idle_timeout: \"300\" is not a duration; write it as 30s, 5m or 2h\n"},
    {"duration_too_long", "lmtp:\n  idle_timeout: 2d\n",
     "x.yaml:2: lmtp.idle_timeout: \"2d\" is too large; allowed is 1s to 1h\n"},
    {"duration_too_fine", "lmtp:\n  idle_timeout: 1500ms\n",
     "x.yaml:2: lmtp.idle_timeout: \"1500ms\" is too fine; the smallest step here is 1s\n"},
    {"size_decimal", "lmtp:\n  limits:\n    memory: 64 MB\n",
     "x.yaml:3: lmtp.limits.memory: \"64 MB\" is not a size; write it as 512 B, 17 KiB, 64 MiB or "
     "2 GiB\n"},
    {"size_too_small", "lmtp: {limits: {memory: 1 KiB}}\n",
     "x.yaml:1: lmtp.limits.memory: \"1 KiB\" is too small; allowed is 4 KiB to 1 GiB\n"},
    {"number_as_words", "port: smtp\n",
     "x.yaml:1: port: \"smtp\" is not a whole number of 0 or more; write it in digits, as 10\n"},
    {"number_negative", "port: -1\n",
     "x.yaml:1: port: \"-1\" is not a whole number of 0 or more; write it in digits, as 10\n"},
    {"number_beyond_type", "port: 70000\n",
     "x.yaml:1: port: \"70000\" is too large; allowed is 1 to 65535\n"},
    {"number_below_bound", "port: 0\n",
     "x.yaml:1: port: \"0\" is too small; allowed is at least 1\n"},
    {"signed_out_of_bounds", "offset: -11\n",
     "x.yaml:1: offset: \"-11\" is too small; allowed is -10 to 10\n"},
    {"not_a_boolean", "verbose: 1\n",
     "x.yaml:1: verbose: \"1\" is neither true nor false; write true or false\n"},
    {"boolean_in_quotes", "verbose: \"true\"\n",
     "x.yaml:1: verbose: \"true\" is neither true nor false; write true or false\n"},
    {"unknown_name", "filing:\n  recipe: strikt\n",
     "x.yaml:2: filing.recipe: \"strikt\" is not known here; allowed is late or strict (did you "
     "mean strict?)\n"},
    {"no_value", "lmtp:\n  listen:\n  poll: 1s\n",
     "x.yaml:2: lmtp.listen: has no value; write a text, or remove the line\n"},
    {"twice", "port: 25\nverbose: true\nport: 26\n",
     "x.yaml:3: port: is given twice, first in line 1; keep one of them\n"},
    {"section_twice", "lmtp:\n  poll: 1s\nverbose: true\nlmtp:\n  listen: x\n",
     "x.yaml:4: lmtp: is given twice, first in line 1; keep one of them\n"},
    {"section_as_value", "lmtp: yes\n",
     "x.yaml:1: lmtp: \"yes\" was found; this is a section: write its keys below it, indented\n"},
    {"value_as_section", "port:\n  number: 25\n",
     "x.yaml:2: port: a section with keys of its own was found; a whole number was expected\n"},
    {"list_as_value", "peers: 127.0.0.1\n",
     "x.yaml:1: peers: \"127.0.0.1\" is not a list; write it as [one, two]\n"},
    {"record_incomplete", "shelves:\n  - name: mail1\n",
     "x.yaml:2: shelves[0].path: is missing; it must be given, for instance as path: /srv/mail1\n"},
    {"record_name_twice",
     "shelves:\n  - {name: a, path: /a}\n  - {name: b, path: /b}\n  - name: a\n    path: /c\n",
     "x.yaml:4: shelves[2].name: \"a\" is already used by the record in line 2; each must "
     "differ\n"},
    {"record_check", "shelves:\n  - name: a\n    path: srv/a\n",
     "x.yaml:3: shelves[0].path: \"srv/a\" is not an absolute path; write it as /srv/mail1\n"},
    {"record_unknown_field", "shelves:\n  - {name: a, path: /a, wieght: 2}\n",
     "x.yaml:2: shelves[0].wieght: is not a known setting; did you mean weight?\n"},
    {"records_as_map", "shelves:\n  mail1: /srv/mail1\n",
     "x.yaml:2: shelves: a section with keys of its own was found; write a list: one `- key: "
     "value` block for each record\n"},
    {"record_as_text", "shelves: [mail1]\n",
     "x.yaml:1: shelves[0]: \"mail1\" was found; write the fields of the record, as key: value\n"},
    {"contradiction", "lmtp:\n  poll: 10s\n  idle_timeout: 5s\n",
     "x.yaml:3: lmtp.idle_timeout: is shorter than lmtp.poll; make it longer\n"},
    {"contradiction_with_a_default", "lmtp:\n  poll: 1h\n",
     "x.yaml:1: lmtp.idle_timeout: is shorter than lmtp.poll; make it longer\n"},
    {"contradiction_in_a_part", "directory:\n  engine: yaml\n  refresh: 2s\n",
     "x.yaml:3: directory.refresh: is too often for the yaml engine; write 10s or more\n"},
    {"tab", "lmtp:\n\tlisten: x\n",
     "x.yaml:2: this is not YAML (illegal map value); the file has tabs: indent with spaces "
     "only\n"},
    {"not_yaml", "lmtp:\n  listen: \"x\n",
     "x.yaml:2: this is not YAML (illegal EOF in scalar); check the indentation, "
     "colons and quotes of this line and the one before\n"},
    {"quote_never_closed", "port: 25\npeers: ['a]\nverbose: true\n",
     "x.yaml:3: this is not YAML (illegal EOF in scalar); check the indentation, colons and quotes "
     "of this line and the one before\n"},
    {"not_a_map", "- a\n- b\n",
     "x.yaml:1: a list was found; write keys and values, as key: value\n"},
    {"two_documents", "port: 25\n---\nport: 26\n",
     "x.yaml:3: a second document begins here (after ---); keep all settings in one document\n"},
    {"alias", "lmtp:\n  listen: &a x\nfiling:\n  recipe: *a\n",
     "x.yaml:4: aliases (*name) are not understood here; write the value out\n"},
    {"not_text", "port: 25\nlmtp:\n  listen: \xff\n",
     "x.yaml:3: the octet 0xff is not text; settings files are UTF-8; check the file, or restore "
     "it "
     "from a backup\n"},
    {"all_at_once", "port: x\nlmtp:\n  idle_timeout: 5 minuts\n  unknown: 1\nverbose: maybe\n",
     "x.yaml:1: port: \"x\" is not a whole number of 0 or more; write it in digits, as 10\n"
     "x.yaml:3: lmtp.idle_timeout: \"5 minuts\" is not a duration; write it as 30s, 5m or 2h\n"
     "x.yaml:4: lmtp.unknown: is not a known setting; see the manual page for all settings, or "
     "remove it\n"
     "x.yaml:5: verbose: \"maybe\" is neither true nor false; write true or false\n"},
};

INSTANTIATE_TEST_SUITE_P(texts, bad_settings, ::testing::ValuesIn(texts),
                         [](const auto& text) { return std::string(text.param.name); });

TEST(bad_settings_file, absent) {
  const auto parsed = testing::make_table().parse_file("/nonexistent/x.yaml");
  ASSERT_TRUE(parsed.has_error());
  EXPECT_EQ(to_string(parsed.error()),
            "/nonexistent/x.yaml: cannot be opened: No such file or directory; name another file "
            "with --config, or make one with --example-config\n");
}

TEST(bad_settings_file, directory) {
  const auto parsed = testing::make_table().parse_file("/tmp");
  ASSERT_TRUE(parsed.has_error());
  EXPECT_EQ(to_string(parsed.error()),
            "/tmp: is not a plain file; name the settings file itself\n");
}

TEST(bad_settings_text, a_key_from_a_stranger_is_escaped) {
  const auto parsed = testing::make_table().parse_text("\"a\\x1b[31m\": 1\n", "x.yaml");
  ASSERT_TRUE(parsed.has_error());
  EXPECT_EQ(to_string(parsed.error()).find('\x1b'), std::string::npos);
}

TEST(schema, a_key_cannot_be_added_twice_or_below_another) {
  auto t = testing::make_table();
  EXPECT_THROW(t.add("port", &testing::settings::port, {}), std::logic_error);
  EXPECT_THROW(t.add("port.number", &testing::settings::port, {}), std::logic_error);
  EXPECT_THROW(t.add("lmtp", &testing::settings::port, {}), std::logic_error);
}

} // namespace
} // namespace homeward::config
