#pragma once
// The maps of the look-up server and what they answer (docs/protocol/lookup.md). All answers come
// from the directory in memory; no question waits.
//
//   mailbox     the canonical mailbox that gets mail for this address
//   transport   the value of a setting: where an MTA delivers for it
//   home        "server/directory" of the mailbox
//   host        the host of its storage server
//   domain      the key is a domain: itself, when there are users in it
//
// An address is turned into a mailbox by the address rules (details, catch-alls, case, default
// domain). A disabled mailbox is not found: mail for it must not be accepted. Before the directory
// was read for the first time every answer is `later`.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/directory/replica.hpp"
#include "lib/mail/address_rules.hpp"

#include "milter/knowledge/knowledge.hpp"
#include "milter/lookup/answer.hpp"

namespace homeward::milter::lookup {

// What `transport` answers.
struct transports {
  std::string of_stores = "homeward:unix:homeward/lmtp.sock";
  // For mailboxes on partitions of kind `path`. Empty: not found, so that an MTA with a route of
  // its own for them keeps it.
  std::string of_path_homes = "homeward:unix:homeward/lmtp.sock";

  friend bool operator==(const transports&, const transports&) = default;
};

// What the answers are made from; the functions give what holds now, from any thread, at once.
struct sources {
  const knowledge& known;
  std::function<std::shared_ptr<const mail::address_rules>()> address_rules_now;
  std::function<directory::replica_view()> directory_now;
  transports transport;
};

// Any thread.
class maps {
 public:
  explicit maps(sources from) : from_(std::move(from)) {}

  // `key` is the address as the client has it, with or without angle brackets, or for `domain` a
  // domain or an address. What is no address is not found. A map that there is not is `later`: a
  // mistake in a client's configuration must bounce nothing.
  [[nodiscard]] answer ask(std::string_view map, std::string_view key) const;

  [[nodiscard]] static bool has(std::string_view map);

 private:
  [[nodiscard]] answer ask_domain(std::string_view key) const;
  [[nodiscard]] answer value_of(std::string_view map, const directory::found_home& home) const;

  sources from_;
};

} // namespace homeward::milter::lookup
