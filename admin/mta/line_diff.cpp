#include "admin/mta/line_diff.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "lib/base/escape.hpp"

#include "admin/mta/marked_block.hpp"

namespace homeward::admin::mta {

namespace {

constexpr std::size_t context = 3;
// Beyond so many differing lines the middle is shown as one replacement.
constexpr std::ptrdiff_t longest_search = 1500;

struct step {
  char kind = ' '; // ' ', '-' or '+'
  const std::string* line = nullptr;
};

using lines = std::vector<std::string>;

bool is_text(std::string_view octets) {
  return octets.substr(0, 8192).find('\0') == std::string_view::npos;
}

// The shortest edit by Myers' greedy search, walked back from its end; `rows` are the states of the
// search before each round.
std::vector<step> walk_back(const lines& a, const lines& b,
                            const std::vector<std::vector<std::ptrdiff_t>>& rows) {
  std::vector<step> steps;
  auto x = static_cast<std::ptrdiff_t>(a.size());
  auto y = static_cast<std::ptrdiff_t>(b.size());
  for (auto d = static_cast<std::ptrdiff_t>(rows.size()) - 1; d >= 0; --d) {
    const auto& v = rows[static_cast<std::size_t>(d)];
    const auto at = [&](std::ptrdiff_t k) { return v[static_cast<std::size_t>(k + d)]; };
    const auto k = x - y;
    const bool down = k == -d || (k != d && at(k - 1) < at(k + 1));
    const auto from_k = down ? k + 1 : k - 1;
    const auto from_x = d == 0 ? 0 : at(from_k);
    const auto from_y = d == 0 ? 0 : from_x - from_k;
    while (x > from_x && y > from_y) {
      steps.push_back({' ', &a[static_cast<std::size_t>(--x)]});
      --y;
    }
    if (d > 0) {
      if (down) {
        steps.push_back({'+', &b[static_cast<std::size_t>(--y)]});
      } else {
        steps.push_back({'-', &a[static_cast<std::size_t>(--x)]});
      }
    }
  }
  std::reverse(steps.begin(), steps.end());
  return steps;
}

std::vector<step> replacement(const lines& a, const lines& b) {
  std::vector<step> steps;
  for (const auto& line : a) {
    steps.push_back({'-', &line});
  }
  for (const auto& line : b) {
    steps.push_back({'+', &line});
  }
  return steps;
}

std::vector<step> shortest_edit(const lines& a, const lines& b) {
  const auto n = static_cast<std::ptrdiff_t>(a.size());
  const auto m = static_cast<std::ptrdiff_t>(b.size());
  std::vector<std::vector<std::ptrdiff_t>> rows; // row d: furthest x on the diagonals -d..d
  std::vector<std::ptrdiff_t> previous;
  for (std::ptrdiff_t d = 0; d <= std::min(n + m, longest_search); ++d) {
    // What round d starts from: the reach of round d-1, indexed from diagonal -d.
    std::vector<std::ptrdiff_t> base(static_cast<std::size_t>(2 * d + 1), -1);
    for (std::size_t i = 0; i < previous.size(); ++i) {
      base[i + 1] = previous[i];
    }
    rows.push_back(base);
    std::vector<std::ptrdiff_t> reach(static_cast<std::size_t>(2 * d + 1), -1);
    for (std::ptrdiff_t k = -d; k <= d; k += 2) {
      const auto at = [&](std::ptrdiff_t diagonal) {
        return base[static_cast<std::size_t>(diagonal + d)];
      };
      std::ptrdiff_t x = 0;
      if (d > 0) {
        x = k == -d || (k != d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1;
      }
      auto y = x - k;
      while (x < n && y < m && a[static_cast<std::size_t>(x)] == b[static_cast<std::size_t>(y)]) {
        ++x;
        ++y;
      }
      reach[static_cast<std::size_t>(k + d)] = x;
      if (x >= n && y >= m) {
        return walk_back(a, b, rows);
      }
    }
    previous = reach;
  }
  return replacement(a, b);
}

void print_hunk(const std::vector<step>& steps, std::size_t from, std::size_t to,
                std::string& out) {
  std::size_t before_a = 0;
  std::size_t before_b = 0;
  for (std::size_t i = 0; i < from; ++i) {
    before_a += steps[i].kind != '+' ? 1 : 0;
    before_b += steps[i].kind != '-' ? 1 : 0;
  }
  std::size_t in_a = 0;
  std::size_t in_b = 0;
  std::string body;
  for (std::size_t i = from; i < to; ++i) {
    in_a += steps[i].kind != '+' ? 1 : 0;
    in_b += steps[i].kind != '-' ? 1 : 0;
    std::string shown = *steps[i].line;
    // Tabs are what such files are made of; everything else that is no text is escaped.
    if (std::any_of(shown.begin(), shown.end(), [](char c) {
          return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
        })) {
      shown = escape(shown, 4000);
    }
    body += steps[i].kind + shown + '\n';
  }
  out += fmt::format("@@ -{},{} +{},{} @@\n{}", in_a == 0 ? before_a : before_a + 1, in_a,
                     in_b == 0 ? before_b : before_b + 1, in_b, body);
}

} // namespace

std::string unified_diff(std::string_view before, std::string_view after, std::string_view from,
                         std::string_view to) {
  if (before == after) {
    return "";
  }
  std::string out = fmt::format("--- {}\n+++ {}\n", escape(from), escape(to));
  if (!is_text(before) || !is_text(after)) {
    return out +
           fmt::format("(not text: {} octets before, {} after)\n", before.size(), after.size());
  }
  const auto a = split_lines(before);
  const auto b = split_lines(after);
  const auto steps = shortest_edit(a, b);
  std::size_t i = 0;
  while (i < steps.size()) {
    if (steps[i].kind == ' ') {
      ++i;
      continue;
    }
    const std::size_t begin = i > context ? i - context : 0;
    std::size_t last = i; // the last change of this hunk
    for (std::size_t k = i; k < steps.size() && k <= last + 2 * context; ++k) {
      last = steps[k].kind == ' ' ? last : k;
    }
    const std::size_t end = std::min(last + context + 1, steps.size());
    print_hunk(steps, begin, end, out);
    i = end;
  }
  if (a == b) {
    out += "(the end of the last line differs)\n";
  }
  return out;
}

} // namespace homeward::admin::mta
