#include "tests/transcripts/runner/update.hpp"

#include <cstdlib>
#include <fstream>
#include <string_view>

namespace homeward::transcripts {
namespace {

// `250 2.1.5 <a@b> ok` -> `250 2.1.5 ...`; a continuation line is kept whole.
// `-ERR [TEMP] words` -> `-ERR [TEMP] ...`
std::string pattern_for(const std::string& line) {
  if (line.starts_with("+OK") || line.starts_with("-ERR")) {
    const std::size_t bracket =
        line.find(" [") == line.find(' ') ? line.find(']') : std::string::npos;
    const std::size_t end = bracket == std::string::npos ? line.find(' ') : bracket + 1;
    return end >= line.size() ? line : line.substr(0, end) + " ...";
  }
  if (line.size() < 4 || line[3] == '-') {
    return line;
  }
  std::size_t end = 3;
  const std::size_t second = line.find(' ', 4);
  const std::string_view word =
      std::string_view(line).substr(4, second == std::string::npos ? second : second - 4);
  if (word.find_first_not_of("0123456789.[]ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos) {
    end = second == std::string::npos ? line.size() : second;
  }
  return line.substr(0, end) + " ...";
}

std::string without_answer(const std::string& line) {
  const std::size_t at = line.rfind(" -> ");
  if (!line.starts_with('C') || at == std::string::npos) {
    return line;
  }
  return line.substr(0, line.find_last_not_of(' ', at) + 1);
}

} // namespace

bool update_is_wanted() {
  const char* const asked = std::getenv("HOMEWARD_UPDATE_TRANSCRIPTS");
  return asked != nullptr && std::string_view(asked) == "1";
}

void update_replies(const transcript& t,
                    const std::map<std::size_t, std::vector<std::string>>& said) {
  std::vector<std::string> lines;
  std::ifstream in(t.file);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(std::move(line));
  }
  in.close();
  std::ofstream out(t.file, std::ios::trunc);
  const auto write_replies = [&](std::size_t number) {
    if (const auto found = said.find(number); found != said.end()) {
      for (const std::string& reply : found->second) {
        out << "S: " << pattern_for(reply) << '\n';
      }
    }
  };
  bool begun = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (line.starts_with("S:") && line != "S: <closed>") {
      if (!begun) {
        write_replies(0);
        begun = true;
      }
      continue;
    }
    out << without_answer(line) << '\n';
    write_replies(i + 1);
  }
}

} // namespace homeward::transcripts
