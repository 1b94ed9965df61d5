#include "admin/output.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "lib/base/escape.hpp"

namespace homeward::admin {

namespace {

// Columns on a terminal: UTF-8 sequences count once.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string padded(const std::string& text, std::size_t to, bool right) {
  const std::string space(to - std::min(to, width(text)), ' ');
  return right ? space + text : text + space;
}

} // namespace

table::table(std::vector<std::string> columns) : columns_(std::move(columns)) {
  for (auto& name : columns_) {
    right_.push_back(name.ends_with('>'));
    if (right_.back()) {
      name.pop_back();
    }
  }
}

void table::add(std::vector<std::string> cells) {
  for (auto& cell : cells) {
    cell = escape(cell, 300);
  }
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

void table::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(width(columns_[i]));
    for (const auto& row : rows_) {
      widths[i] = std::max(widths[i], width(row[i]));
    }
  }
  const auto print_row = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      line += (i == 0 ? "" : "  ") + padded(cells[i], widths[i], right_[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  };
  print_row(columns_);
  for (const auto& row : rows_) {
    print_row(row);
  }
}

void print_facts(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& facts) {
  std::size_t widest = 0;
  for (const auto& [name, value] : facts) {
    widest = std::max(widest, width(name));
  }
  for (const auto& [name, value] : facts) {
    out << padded(name, widest, false) << "  " << escape(value, 1000) << '\n';
  }
}

std::string join(const std::vector<std::string>& words, std::string_view between) {
  return fmt::format("{}", fmt::join(words, between));
}

std::string quota_text(byte_count quota) {
  return quota.octets == 0 ? "none" : to_string(quota);
}

std::string size_text(std::uint64_t octets) {
  constexpr std::array<const char*, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(octets);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", octets) : fmt::format("{:.1f} {}", value, units[unit]);
}

std::string count_of(std::uint64_t number, std::string_view thing) {
  return fmt::format("{} {}{}", number, thing, number == 1 ? "" : "s");
}

nlohmann::json to_json(const directory::server& s) {
  return {{"name", s.name}, {"endpoints", s.endpoints}};
}

nlohmann::json to_json(const directory::partition& p) {
  nlohmann::json j = {{"partition", to_string(p.id)}, {"server", p.id.server},
                      {"directory", p.id.directory},  {"kind", name_of(p.kind)},
                      {"state", name_of(p.state)},    {"weight", p.weight}};
  if (!p.path.empty()) {
    j["path"] = p.path;
  }
  return j;
}

nlohmann::json to_json(const directory::user& u) {
  return {{"mailbox", u.mailbox},
          {"home", to_string(u.where.primary)},
          {"secondary", u.where.secondary ? nlohmann::json(to_string(*u.where.secondary))
                                          : nlohmann::json(nullptr)},
          {"quota", u.where.quota.octets},
          {"state", name_of(u.where.state)},
          {"epoch", u.where.epoch}};
}

} // namespace homeward::admin
