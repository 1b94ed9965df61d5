#pragma once
// Runs a transcript of the storage protocol against the pure server session. README.md has the
// lines that set the scene.

#include <map>
#include <string>
#include <vector>

#include "tests/transcripts/runner/transcript.hpp"
#include "tests/unit/store_protocol/scripted_store.hpp"

namespace homeward::transcripts {

// How the octets of the client reach the session. The conversation must be the same each time.
enum class delivery_mode : unsigned char {
  line_by_line = 1,   // each step whole, replies compared after each step
  octet_by_octet = 2, // each step in pieces of one octet
  pipelined = 3,      // all steps up to the next event in one piece
  direct = 4,         // as 1, but message octets are read past the session
};

// What came of one run.
struct store_run {
  std::string output; // all replies
  std::vector<store_protocol::testing::delivered_message> delivered;
  bool closed = false;
  std::vector<std::string> trace;
  std::map<std::size_t, std::vector<std::string>>
      said;            // by the line of the step before, as update.hpp
  std::string trouble; // the first difference from the transcript with file:line; empty: none
};

// The script that the header lines of `t` ask for. Throws std::runtime_error for one it does not
// know.
[[nodiscard]] store_protocol::testing::store_script script_of(const transcript& t);

[[nodiscard]] store_run run(const transcript& t, delivery_mode mode);

// The octets of the client alone: a fuzz seed.
[[nodiscard]] std::string client_octets(const transcript& t);

} // namespace homeward::transcripts
