#pragma once
// Between a delivery and its records in the journal: what is written of it, and what a recovery
// makes known again.

#include <optional>
#include <span>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/maildir/writer.hpp"

#include "stored/delivery/delivery_job.hpp"
#include "stored/delivery/identity_map.hpp"
#include "stored/journal/journal_table.hpp"
#include "stored/journal/record.hpp"

namespace homeward::stored {

// Files the message for all recipients that are still the job's.
[[nodiscard]] std::vector<result<maildir::filed>> file(const delivery_job& job,
                                                       maildir::writer& with);
// Takes out again what was filed and is not acknowledged. As well as it can: what stays is
// complete, and the log says so.
void take_out(const delivery_job& job, std::span<const result<maildir::filed>> results);

// The record with the message, for all recipients that are still the job's. Views the job. Nothing
// when the message is not in memory or the record is too large for the journal.
[[nodiscard]] std::optional<journal::delivery_record> record_of(const delivery_job& job,
                                                                const clock_source& clock);
// The record without it, for those that are filed.
[[nodiscard]] journal::delivery_record
record_of_filed(const delivery_job& job, std::span<const result<maildir::filed>> results,
                const clock_source& clock);
// Those of `n` that could not be filed.
[[nodiscard]] journal::abort_record refused_of(journal::record_number n,
                                               std::span<const result<maildir::filed>> results);
// Every refusal becomes this passing fault: it is not on record, so a recovery may still file it.
void make_transient(std::span<result<maildir::filed>> results, const failure& why);

// What the journals tell at start goes into `identities`, which must outlive the table.
[[nodiscard]] journal::identity_memory memory_for_journals(identity_map& identities,
                                                           const clock_source& clock);

} // namespace homeward::stored
