#pragma once
// Rewrites the replies of a transcript after a deliberate change, for review as a diff.

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "tests/transcripts/runner/transcript.hpp"

namespace homeward::transcripts {

// True if the environment asks for it (HOMEWARD_UPDATE_TRANSCRIPTS=1).
[[nodiscard]] bool update_is_wanted();

// Writes the file again: all lines stay, except that the patterns for the server are replaced by
// what it said. `said` has the server's lines by the line number of the step they followed (0:
// before the first step). Only code and enhanced code are kept of a line; `...` stands for its
// words.
void update_replies(const transcript& t,
                    const std::map<std::size_t, std::vector<std::string>>& said);

} // namespace homeward::transcripts
