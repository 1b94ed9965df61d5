#pragma once
// The one failure type of the tree, from a system call on a storage server to the reply line of the
// LMTP server. Whoever meets the fault first says what it is; nobody translates it again, except
// that lib/mail turns it into reply text and lib/store_protocol into a bracketed code, and back.

#include <string>
#include <string_view>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

namespace homeward {

// What the sender of the mail has to do about it.
enum class failure_kind : unsigned char {
  transient = 1,       // try the same again later
  permanent = 2,       // never try the same again
  unknown_outcome = 3, // the other side may or may not have done it: a repeat may be a duplicate
};

// Why, in the vocabulary of the storage protocol (docs/protocol/storage-protocol.md, "Codes").
// The values are written to the wire and to disk by name, never by number.
enum class failure_reason : unsigned char {
  temp = 1,         // [TEMP]   a passing fault of ours
  perm = 2,         // [PERM]   the message itself cannot be stored, ever
  quota = 3,        // [QUOTA]  the mailbox is over its limit
  no_user = 4,      // [NOUSER] there is no such mailbox
  no_partition = 5, // [NOPRTN] this store has no such partition (a fault of ours: try later)
  moved = 6,        // [MOVED]  the mailbox lives elsewhere now; `detail` is "server/directory"
  full = 7,         // [FULL]   no space, or no inodes, on the volume
  too_big = 8,      // [TOOBIG] the message is over the size limit
  denied = 9,       // [DENIED] this peer may not do that (a fault of our configuration: try later)
  syntax = 10,      // [SYNTAX] the peer did not understand us (a fault of ours: try later)
};

// A failure with its words. Value type; copy it freely.
struct failure {
  failure_kind kind = failure_kind::transient;
  failure_reason reason = failure_reason::temp;
  // What happened, for the peer and the postmaster: one printable line, no secrets, no local paths.
  std::string what;
  // The cause, for the log of this host only: paths, errno texts, addresses. May be empty.
  std::string cause = {};
  // What the operator should do next, a full sentence. May be empty when nothing is to be done.
  std::string advice = {};
  // For `moved`: the new home as "server/directory". Empty otherwise.
  std::string detail = {};
};

// Makers for the common kinds; the reason is `temp` respectively `perm` unless given.
[[nodiscard]] failure transient_failure(std::string what, std::string cause = {},
                                        std::string advice = {});
[[nodiscard]] failure permanent_failure(failure_reason reason, std::string what,
                                        std::string cause = {});
[[nodiscard]] failure unknown_outcome(std::string what, std::string cause = {});

// The failure for an errno of a system call: ENOSPC and the like become `full`, EDQUOT `quota`,
// everything else `temp`; all of them transient. `what` names the operation for the log.
[[nodiscard]] failure failure_from_errno(int error_number, std::string_view operation);

// One line for the log: what, cause and advice, escaped and capped.
[[nodiscard]] std::string describe(const failure& f);

// Either a value or a failure. Expected failures travel in results; exceptions are for bugs.
template <class T>
using result = boost::system::result<T, failure>;

// Called by boost::system::result when value() is asked of a failure: a bug of the caller.
[[noreturn]] void throw_exception_from_error(const failure& f, const boost::source_location& where);

} // namespace homeward
