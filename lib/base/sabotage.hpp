#pragma once
// Switches that break the promises of the mail store on purpose. Tests must be able to fail: the
// proof that a crash test finds lost mail is a run in which mail is lost. Each switch leaves out
// one step on which a promise rests; the test suite, run with it on, has to turn red
// (tests/run sabotage).
//
// Only a build with -DHOMEWARD_SABOTAGE=ON (CMake preset `sabotage`) has them. It reads the
// environment variable HOMEWARD_SABOTAGE ("S1,S4") once. In all other builds is_on() is a constant
// false: the compiler removes the broken branch, and the variable means nothing.

#include <string_view>

namespace homeward::sabotage {

// The numbers are those of the switches: S1 is 1.
enum class fault : unsigned char {
  s1_ack_before_sync = 1,             // stored answers +OK before the journal is synced
  s2_skip_checkpoint_sync = 2,        // a checkpoint recycles segments without syncfs
  s3_existence_only_recovery = 3,     // recovery takes a file for whole because its name is there
  s4_ignore_sync_error_once = 4,      // the first failed sync of the journal counts as good
  s5_reopen_and_retry_sync = 5,       // a failed sync is tried again on a fresh handle
  s6_no_crc_check = 6,                // records are read without looking at their checksums
  s7_reuse_bad_connection = 7,        // the pool keeps a connection after a bad reply
  s11_forget_identities = 11,         // delivered messages are forgotten at a restart
  s12_path_check_on_string_only = 12, // paths are checked as text, not while they are resolved
};

#ifdef HOMEWARD_SABOTAGE

inline constexpr bool is_possible = true;
// Any thread. The first call reads the environment; a word in it that is no switch ends the program
// with a message, because a test with a mistyped switch would prove nothing.
[[nodiscard]] bool is_on(fault f);
// The variable as it was read, for a warning at start; empty when nothing is on.
[[nodiscard]] std::string_view switched_on();

#else

inline constexpr bool is_possible = false;
[[nodiscard]] constexpr bool is_on(fault /*f*/) {
  return false;
}
[[nodiscard]] constexpr std::string_view switched_on() {
  return {};
}

#endif

} // namespace homeward::sabotage
