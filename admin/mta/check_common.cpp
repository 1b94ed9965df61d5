#include "admin/mta/check_common.hpp"

#include <filesystem>
#include <sys/stat.h>

#include <fmt/format.h>

#include "lib/config/node.hpp"
#include "lib/config/value.hpp"

#include "admin/mta/program_run.hpp"

namespace homeward::admin::mta {

namespace {

const std::string* find_text(const config::node& root, std::string_view key) {
  const config::node* at = &root;
  while (at != nullptr && !key.empty()) {
    const auto dot = key.find('.');
    const auto name = key.substr(0, dot);
    const config::node* next = nullptr;
    for (const auto& member : at->members) {
      next = member.name == name ? &member.value : next;
    }
    at = next;
    key.remove_prefix(dot == std::string_view::npos ? key.size() : dot + 1);
  }
  return at == nullptr ? nullptr : &at->text;
}

std::chrono::seconds duration_of(const config::node& root, std::string_view key) {
  const auto* text = find_text(root, key);
  const auto length = text == nullptr ? std::nullopt : config::parse_duration(*text);
  return length ? std::chrono::duration_cast<std::chrono::seconds>(*length)
                : std::chrono::seconds(0);
}

std::uint64_t size_of(const config::node& root, std::string_view key) {
  const auto* text = find_text(root, key);
  return text == nullptr ? 0 : config::parse_size(*text).value_or(0);
}

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

} // namespace

std::optional<bridge_limits> ask_bridge(const settings& s, std::vector<finding>& into) {
  const auto unknown = [&](const std::string& why) {
    into.push_back({severity::advice, "bridge-unknown",
                    "The limits of homeward-bridge are not known",
                    why + ". Sizes, recipients and times were not compared.",
                    "Run the check on the host of the bridge, or name its settings file with "
                    "bridge_settings."});
    return std::nullopt;
  };
  if (!exists(s.bridge_settings)) {
    return unknown(fmt::format("There is no {}", s.bridge_settings));
  }
  const auto said =
      run_program({s.programs.bridge, "--print-config", "--config", s.bridge_settings});
  if (!said || said->status != 0) {
    return unknown(said ? words_of(*said) : said.error().what);
  }
  config::collector problems{.file = "homeward-bridge --print-config"};
  const auto root = config::parse_yaml(said->output, config::report(problems));
  bridge_limits limits;
  limits.message_size = size_of(root, "limits.message_size");
  const auto* recipients = find_text(root, "limits.recipients");
  limits.recipients = recipients == nullptr ? 0 : mta_number(*recipients).value_or(0);
  limits.whole_wait = duration_of(root, "stores.whole_wait");
  limits.store_wait = duration_of(root, "stores.results");
  return limits;
}

void compare_limits(const mta_limits& mta, const bridge_limits& bridge,
                    std::vector<finding>& into) {
  if (mta.message_size && bridge.message_size > 0 &&
      (*mta.message_size == 0 || *mta.message_size > bridge.message_size)) {
    into.push_back(
        {severity::error, "message-size",
         fmt::format("{} is {}, the bridge takes {}", mta.message_size_name,
                     *mta.message_size == 0 ? "without limit"
                                            : fmt::format("{} octets", *mta.message_size),
                     to_string(byte_count{bridge.message_size})),
         "A message between the two is accepted from its sender and then returned to him.",
         fmt::format("Set {} to at most {}, or raise limits.message_size of the bridge and of the "
                     "stores.",
                     mta.message_size_name, bridge.message_size)});
  }
  if (mta.recipients && bridge.recipients > 0 && *mta.recipients > bridge.recipients) {
    into.push_back({severity::warning, "recipient-limit",
                    fmt::format("{} is {}, the bridge takes {}", mta.recipients_name,
                                *mta.recipients, bridge.recipients),
                    "The recipients above the bridge's limit wait for the next attempt, minutes "
                    "later.",
                    fmt::format("Set {} to {} at most.", mta.recipients_name, bridge.recipients)});
  }
  if (mta.wait && *mta.wait <= bridge.whole_wait) {
    into.push_back({severity::error, "timeout-chain",
                    fmt::format("{} is {} s, the bridge answers within {} s", mta.wait_name,
                                mta.wait->count(), bridge.whole_wait.count()),
                    "The MTA gives up while the bridge still waits for a store: it sends the "
                    "message again although it may be stored.",
                    fmt::format("Set {} to 180 s or more.", mta.wait_name)});
  }
  if (bridge.store_wait >= bridge.whole_wait && bridge.whole_wait.count() > 0) {
    into.push_back({severity::error, "timeout-chain",
                    "The bridge's stores.results is not shorter than its stores.whole_wait",
                    "There is no time for its second attempt.",
                    "Set stores.whole_wait to about twice stores.results."});
  }
}

void check_socket(const std::string& who, const std::string& path, std::vector<finding>& into) {
  if (path.empty()) {
    return;
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    into.push_back({severity::warning, "socket-missing",
                    fmt::format("Nobody listens for {} at {}", who, path),
                    "Mail waits in the queue, or is answered 451, until somebody does.",
                    fmt::format("Start the daemon; compare the path with its settings.")});
  } else if (!S_ISSOCK(status.st_mode)) {
    into.push_back({severity::error, "socket-missing", fmt::format("{} is not a socket", path),
                    "The daemon cannot listen there.", "Remove the file and start the daemon."});
  }
  for (auto at = std::filesystem::path(path).parent_path(); at.has_relative_path();
       at = at.parent_path()) {
    if (::stat(at.c_str(), &status) == 0 && (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
      into.push_back({severity::error, "socket-directory",
                      fmt::format("{}, above the socket of {}, can be written by others than its "
                                  "owner",
                                  at.string(), who),
                      "Who can write there can put a socket of his own in place and receive the "
                      "mail; sendmail refuses such a socket and defers everything.",
                      fmt::format("chmod go-w {}", at.string())});
    }
  }
}

std::optional<std::chrono::seconds> mta_duration(const std::string& text,
                                                 std::int64_t unit_seconds) {
  std::int64_t total = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    const auto digits = text.find_first_not_of("0123456789", i);
    const auto number = mta_number(text.substr(i, digits - i));
    if (!number) {
      return std::nullopt;
    }
    std::int64_t unit = unit_seconds;
    if (digits != std::string::npos) {
      switch (text[digits]) {
      case 's': unit = 1; break;
      case 'm': unit = 60; break;
      case 'h': unit = 3600; break;
      case 'd': unit = 86400; break;
      case 'w': unit = 604800; break;
      default: return std::nullopt;
      }
    }
    total += static_cast<std::int64_t>(*number) * unit;
    i = digits == std::string::npos ? text.size() : digits + 1;
  }
  return text.empty() ? std::nullopt : std::optional(std::chrono::seconds(total));
}

std::optional<std::uint64_t> mta_number(const std::string& text) {
  if (text.empty() || text.size() > 18 ||
      text.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  return std::stoull(text);
}

} // namespace homeward::admin::mta
