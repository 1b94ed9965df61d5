#include "sendmail-cf/tool/skipped_jobs.hpp"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "lib/base/escape.hpp"

namespace homeward::sendmail_cf {

namespace {

constexpr std::size_t most_paths = 5;

// What to do, by a word of what is wrong.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> advices = {
    {{"no df",
      "sendmail removes the df of a delivered job before the qf, so look for the id in the mail "
      "log. "
      "Delivered: remove the qf. Else the body is lost: tell the sender that is in it. Left alone, "
      "sendmail would deliver an empty message."},
     {"not complete",
      "sendmail died while it wrote it, before it accepted the message, or the disk "
      "was full: look at it, then remove it."},
     {"a tf", "Passes by itself, unless sendmail died: then the next attempt renews it."},
     {"queue group", "It belongs to a message that was split over file systems: leave it to its "
                     "own runner."},
     {"newer sendmail",
      "This program knows queue files up to version 8: do not move them with it."},
     {"same id", "Ids are unique on one host only: move it to another directory of the target."},
     {"not the same", "A body without an envelope lies in the way: look at both, or try "
                      "homeward-requeue --repair when it is a day old."},
     {"belongs to uid", "Run the program as the account that owns the queue."}}};

std::string_view advice_for(std::string_view why) {
  for (const auto& [word, advice] : advices) {
    if (why.find(word) != std::string_view::npos) {
      return advice;
    }
  }
  return "Look at the file.";
}

} // namespace

void skipped_jobs::add(const std::string& why, std::string path) {
  kind& k = kinds_[why];
  ++k.count;
  if (k.paths.size() < most_paths) {
    k.paths.push_back(std::move(path));
  }
}

std::uint64_t skipped_jobs::count() const {
  std::uint64_t all = 0;
  for (const auto& [why, k] : kinds_) {
    all += k.count;
  }
  return all;
}

std::string skipped_jobs::in_short() const {
  std::string out;
  for (const auto& [why, k] : kinds_) {
    out += fmt::format("{}{}: {}", out.empty() ? " (" : "; ", k.count, why);
  }
  return out.empty() ? out : out + ')';
}

void skipped_jobs::print(std::ostream& out) const {
  for (const auto& [why, k] : kinds_) {
    out << fmt::format("skipped {}: {}\n", k.count, why);
    for (const std::string& path : k.paths) {
      out << "  " << escape(path, 1000) << '\n';
    }
    if (k.count > k.paths.size()) {
      out << fmt::format("  and {} more\n", k.count - k.paths.size());
    }
    out << "  " << advice_for(why) << '\n';
  }
}

nlohmann::json skipped_jobs::json() const {
  auto out = nlohmann::json::array();
  for (const auto& [why, k] : kinds_) {
    out.push_back({{"why", why}, {"jobs", k.count}, {"examples", k.paths}});
  }
  return out;
}

} // namespace homeward::sendmail_cf
