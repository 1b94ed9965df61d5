// Alias files, in both formats: whatever the octets are, every name that was read is found again
// in whatever case, and names are bounded and without line breaks.

#include "milter/knowledge/alias_names.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace homeward::milter;

namespace {

void demand(bool holds) {
  if (!holds) {
    std::abort();
  }
}

std::string upper_case(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return name;
}

void check(std::string_view text, alias_format format) {
  const alias_names n = parse_alias_names(text, format);
  demand(n.problems.size() <= kept_alias_problems && n.problems.size() <= n.problem_count);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  demand(n.size() + n.problem_count <= lines);
  for (const std::string& name : n.locals) {
    demand(!name.empty() && name.size() <= longest_alias);
    demand(name.find('\n') == std::string::npos);
    demand(n.cover(upper_case(name), "example.org", true, "+"));
  }
  for (const std::string& name : n.addresses) {
    const std::size_t at = name.rfind('@');
    demand(at != std::string::npos && at != 0);
    demand(n.cover(name.substr(0, at), name.substr(at + 1), false, "+"));
  }
  for (const std::string& name : n.domains) {
    demand(n.cover("anybody", name, false, "+"));
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(text, alias_format::aliases);
  check(text, alias_format::postfix);
  return 0;
}
