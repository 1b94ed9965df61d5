#include "lib/config/problem.hpp"

#include <stdexcept>

#include "lib/base/escape.hpp"

namespace homeward::config {

std::string to_string(const problem& p) {
  std::string text = p.file;
  if (p.line != 0) {
    text += ':' + std::to_string(p.line);
  }
  if (!p.key.empty()) {
    text += ": " + p.key;
  }
  text += ": " + p.what;
  if (!p.meant.empty()) {
    text += "; " + p.meant;
  }
  return escape(text, 1000);
}

std::string to_string(const problems& list) {
  std::string text;
  for (const auto& p : list) {
    text += to_string(p) + '\n';
  }
  return text;
}

void throw_exception_from_error(const problems& list, const boost::source_location& /*where*/) {
  throw std::logic_error("settings asked of a file with problems: " + to_string(list));
}

} // namespace homeward::config
