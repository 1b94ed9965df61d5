#include "stored/delivery/journal_records.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/base/log.hpp"
#include "lib/base/sabotage.hpp"

namespace homeward::stored {
namespace {

// An age on the clock of the identities: what a log says of the wall clock, never in the future.
steady_time when(std::uint64_t unix_seconds, const clock_source& clock) {
  const auto logged = std::chrono::system_clock::time_point(
      std::chrono::seconds(std::min<std::uint64_t>(unix_seconds, std::uint64_t{1} << 33U)));
  const auto age = clock.wall_now() - logged;
  const steady_time now = clock.steady_now();
  return age.count() > 0
             ? now - std::chrono::duration_cast<std::chrono::steady_clock::duration>(age)
             : now;
}

journal::header_rule header_of(maildir::delivered_to header) {
  switch (header) {
  case maildir::delivered_to::single: return journal::header_rule::single;
  case maildir::delivered_to::always: return journal::header_rule::always;
  case maildir::delivered_to::never: return journal::header_rule::never;
  }
  return journal::header_rule::single;
}

journal::delivery_record envelope_of(const delivery_job& job, const clock_source& clock) {
  const delivery_request& r = job.request();
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock.wall_now().time_since_epoch());
  return {.received = static_cast<std::uint64_t>(now.count()),
          .header = header_of(r.partition->filing.header),
          .partition = r.partition->where.id(),
          .name = to_string(r.envelope.name),
          .sender = r.envelope.sender,
          .mailboxes = job.mailboxes(),
          .size = r.message->size()};
}

} // namespace

std::vector<result<maildir::filed>> file(const delivery_job& job, maildir::writer& with) {
  const delivery_request& r = job.request();
  const std::string name = to_string(r.envelope.name);
  return with.deliver({.message = r.message.get(), .name = name, .sender = r.envelope.sender},
                      job.mailboxes());
}

void take_out(const delivery_job& job, std::span<const result<maildir::filed>> results) {
  const std::vector<std::string> mailboxes = job.mailboxes();
  for (std::size_t i = 0; i < mailboxes.size(); ++i) {
    if (!results[i] || results[i]->repeat) {
      continue;
    }
    const result<void> gone =
        job.request().partition->durable_writer.withdraw(mailboxes[i], results[i]->file_name);
    if (!gone) {
      log::warning("a message that is not acknowledged stays visible, complete",
                   {{"mailbox", mailboxes[i]}, {"failure", gone.error()}});
    }
  }
}

std::optional<journal::delivery_record> record_of(const delivery_job& job,
                                                  const clock_source& clock) {
  const auto octets = job.request().message->memory();
  if (!octets) {
    return std::nullopt;
  }
  journal::delivery_record r = envelope_of(job, clock);
  r.message = *octets;
  return job.request().partition->journal->fits(r) ? std::optional(std::move(r)) : std::nullopt;
}

journal::delivery_record record_of_filed(const delivery_job& job,
                                         std::span<const result<maildir::filed>> results,
                                         const clock_source& clock) {
  journal::delivery_record r = envelope_of(job, clock);
  r.apart = true;
  std::vector<std::string> filed;
  for (std::size_t i = 0; i < r.mailboxes.size(); ++i) {
    if (results[i]) {
      filed.push_back(std::move(r.mailboxes[i]));
    }
  }
  r.mailboxes = std::move(filed);
  return r;
}

journal::abort_record refused_of(journal::record_number n,
                                 std::span<const result<maildir::filed>> results) {
  journal::abort_record r{.delivery = n, .recipients = {}};
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i]) {
      r.recipients.push_back(static_cast<std::uint32_t>(i));
    }
  }
  return r;
}

void make_transient(std::span<result<maildir::filed>> results, const failure& why) {
  for (result<maildir::filed>& r : results) {
    if (!r) {
      r = why;
    }
  }
}

journal::identity_memory memory_for_journals(identity_map& identities, const clock_source& clock) {
  const auto known = [&identities, &clock](const journal::logged_identity& i, std::uint64_t at) {
    if (!sabotage::is_on(sabotage::fault::s11_forget_identities)) {
      identities.restore({i.high, i.low}, {i.seconds, {}, i.origin}, when(at, clock));
    }
  };
  const auto recovered = [&identities, &clock](const journal::delivery_record& r,
                                               std::size_t mailbox) {
    const auto name = store_protocol::parse_message_name(r.name);
    const store_protocol::message_name parts =
        name ? *name : store_protocol::message_name{.key = r.name};
    const identity id = identity_of(parts.key, r.mailboxes[mailbox]);
    if (!sabotage::is_on(sabotage::fault::s11_forget_identities)) {
      identities.restore(id, parts, when(r.received / 1000, clock));
    }
    return journal::logged_identity{id.high, id.low, parts.seconds, parts.origin};
  };
  return {known, recovered};
}

} // namespace homeward::stored
