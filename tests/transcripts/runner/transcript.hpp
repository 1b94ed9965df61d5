#pragma once
// Conversations as files: one format for every line protocol of the tree, several runners. The
// format is described in tests/transcripts/README.md; transcript.py reads the same files.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace homeward::transcripts {

// A line before the conversation that sets the scene, such as `rcpt <ann@y> accepted`. A colon
// behind the keyword is dropped. What the keywords mean is the runner's business.
struct header {
  std::string keyword;
  std::string rest;
  std::size_t line = 0;
};

enum class step_kind : std::uint8_t {
  client,      // `C: text` or `C= escaped`: the client sends `octets`
  client_body, // `C: <body FILE>`: `octets` is the file with CR LF line ends; the runner encodes it
  client_close, // `C: <close>`: the client closes the connection
  server,       // `S: pattern`, or the `-> pattern` behind a client line: one line of the server
  server_close, // `S: <closed>`: the server has closed the connection
  event,        // `E: word ...`: something happens that no octet says; runners may not know it
  message,      // `M: key=value ...` or `M= escaped`: what must have been delivered by now
};

struct step {
  step_kind kind = step_kind::client;
  std::string octets = {};  // client, client_body
  std::string pattern = {}; // server: the line without CR LF, `...` standing for any text
  std::string text = {};    // event, message: the words; the name of the file of client_body
  bool exact = false;       // message: `text` is the octets of `M=`, not words
  std::size_t line = 0;     // in the file, from 1
};

struct transcript {
  std::filesystem::path file = {};
  std::string why = {};
  std::vector<header> headers = {};
  std::vector<step> steps = {};
};

// Reads a file. Throws std::runtime_error with `file:line: what is wrong`; a first line without
// `why:` is wrong.
[[nodiscard]] transcript read_transcript(const std::filesystem::path& file);

// All files below `folder` whose name ends in .t, sorted.
[[nodiscard]] std::vector<std::filesystem::path>
find_transcripts(const std::filesystem::path& folder);

// Whether `line` (without CR LF) is what `pattern` says: equal, where `...` matches any text.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view line);

// The reason why `lines` (of the server, without CR LF, in order) are not what `patterns` say,
// empty if they are. A pattern for the last line of a reply (`250 ...`) also stands for the
// continuation lines (`250-...`) before it that no pattern named.
[[nodiscard]] std::string compare(const std::vector<std::string>& patterns,
                                  const std::vector<std::string>& lines);

// Cuts octets into lines without their CR LF; a last line that does not end is kept with "<no
// end>".
[[nodiscard]] std::vector<std::string> split_lines(std::string_view octets);

} // namespace homeward::transcripts
