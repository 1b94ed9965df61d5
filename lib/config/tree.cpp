#include "lib/config/tree.hpp"

#include <algorithm>

namespace homeward::config {

namespace {

void place_entry(group& root, const entry& e) {
  group* at = &root;
  for (std::size_t start = 0; start <= e.key.size();) {
    const auto dot = std::min(e.key.find('.', start), e.key.size());
    const std::string name = e.key.substr(start, dot - start);
    auto part = std::find_if(at->parts.begin(), at->parts.end(),
                             [&](const auto& known) { return known->name == name; });
    if (part == at->parts.end()) {
      at->parts.push_back(std::make_unique<group>());
      part = at->parts.end() - 1;
      (*part)->name = name;
      (*part)->path = e.key.substr(0, dot);
    }
    at = part->get();
    start = dot + 1;
  }
  at->leaf = &e;
}

// One paragraph, or a part of it, in lines.
void fill_paragraph(std::string_view text, const std::string& prefix, std::size_t width,
                    std::string& out) {
  std::string line = prefix;
  for (std::size_t at = text.find_first_not_of(" \n"); at < text.size();) {
    const auto end = std::min(text.find_first_of(" \n", at), text.size());
    const auto word = text.substr(at, end - at);
    if (line != prefix && line.size() + 1 + word.size() > width) {
      out += line + '\n';
      line = prefix;
    }
    line += (line == prefix ? "" : " ") + std::string(word);
    at = text.find_first_not_of(" \n", end);
  }
  if (line != prefix) {
    out += line + '\n';
  }
}

} // namespace

group tree_of(const schema& s) {
  group root;
  for (const auto& e : s.entries()) {
    place_entry(root, e);
  }
  return root;
}

std::string filled(std::string_view text, const std::string& prefix, std::size_t width) {
  std::string out;
  while (!text.empty()) {
    const auto gap = std::min(text.find("\n\n"), text.size());
    if (!out.empty()) {
      out += prefix.substr(0, prefix.find_last_not_of(' ') + 1) + '\n';
    }
    fill_paragraph(text.substr(0, gap), prefix, width, out);
    text.remove_prefix(std::min(gap + 2, text.size()));
  }
  return out;
}

std::string facts_of(const entry& e, const void* defaults) {
  std::string text = e.kind;
  if (e.required) {
    text += "; must be given";
  } else if (e.write && defaults != nullptr) {
    text += "; default " + e.write(defaults);
  }
  return text;
}

} // namespace homeward::config
